import { TRPCClientError, type Operation, type TRPCLink } from '@trpc/client';
import { observable, type Observer } from '@trpc/server/observable';
import { deserialize, serialize, type SuperJSONResult } from 'superjson';
import type { WireContext } from './calls.ts';
import { signedHeaders, type Endpoint } from './endpoint.ts';
import { errorFrom, errorFromResponse, isJson } from './errors-from.ts';
import { clientError } from './failure.ts';
import type { OlympusRouter } from './procedures.ts';
import type { Envelope } from './resume.ts';

/** Subscriptions by long polling: one request after another, each answered when there is something to tell. It passes where nothing else does. */
export const pollLink =
  (endpoint: Endpoint): TRPCLink<OlympusRouter> =>
  () =>
  ({ op }) =>
    observable((observer) => {
      const controller = new AbortController();
      observer.next({ result: { type: 'state', state: 'connecting', error: null } });
      poll(endpoint, op, { observer: observer as unknown as Watcher, controller }).catch((error: unknown) =>
        observer.error(errorFrom(controller.signal.aborted ? controller.signal.reason : error) as never),
      );
      return () => controller.abort();
    });

type Watcher = Observer<Envelope, unknown>;
interface Answer {
  readonly result?: { readonly data: { readonly json: Page } };
  readonly error?: SuperJSONResult;
}
interface Page {
  readonly events: readonly SuperJSONResult[];
  readonly lastEventId: string | null;
}

/** Seconds for which the server waits; less where it tells all anew each time, as it does of what carries no ids. */
const trackedWait = 25;
const untrackedWait = 4;
/** Milliseconds beyond that, after which an answer is given up. */
const graceMs = 15_000;
/** Between two polls, where the server did not wait although there was nothing. */
const restMs = 2_000;

/** Polls until it fails or is left. */
async function poll(
  endpoint: Endpoint,
  op: Operation,
  { observer, controller }: { observer: Watcher; controller: AbortController },
): Promise<void> {
  const { signal } = controller;
  let { input } = op;
  let started = false;
  for (let wait = 0; !signal.aborted;) {
    const begin = Date.now();
    const { events, lastEventId } = await page(input, wait);
    if (signal.aborted) return;
    if (!started) {
      observer.next({ result: { type: 'started' } });
      observer.next({ result: { type: 'state', state: 'pending', error: null } });
      started = true;
    }
    for (const event of events) {
      const item = deserialize<{ id: string } | object>(event);
      if (signal.aborted) return;
      observer.next({
        result: lastEventId
          ? { type: 'data', id: (item as { id: string }).id, data: item }
          : { type: 'data', data: item },
      });
    }
    if (lastEventId) input = { ...(input as object), lastEventId };
    if (wait && !events.length && Date.now() - begin < 1_000)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * restMs));
    wait = lastEventId ? trackedWait : untrackedWait;
  }

  async function page(given: unknown, wait: number): Promise<Page> {
    const late = setTimeout(() => controller.abort(clientError('NETWORK', 'No answer came')), wait * 1000 + graceMs);
    try {
      const path = `/trpc/${op.path}?input=${encodeURIComponent(JSON.stringify(serialize(given)))}`;
      const headers = { accept: 'application/json', prefer: `wait=${wait}` };
      const sent = op.context as WireContext;
      const signed = await signedHeaders(endpoint, [sent]);
      const response = await endpoint.fetch(endpoint.url + path, { headers: { ...signed, ...headers }, signal });
      const answer = isJson(response) ? ((await response.clone().json()) as Answer) : {};
      if (answer.result) return answer.result.data.json;
      if (answer.error) throw TRPCClientError.from({ error: deserialize(answer.error) } as object);
      throw await errorFromResponse(response);
    } finally {
      clearTimeout(late);
    }
  }
}
