import { TRPCClientError, type TRPCLink } from '@trpc/client';
import { observable, type Observer } from '@trpc/server/observable';
import { deserialize, serialize } from 'superjson';
import type { WireContext } from './calls.ts';
import { request, type Endpoint } from './endpoint.ts';
import { errorFrom } from './errors-from.ts';
import { clientError, silence } from './failure.ts';
import { linesOf } from './lines.ts';
import type { OlympusRouter } from './procedures.ts';
import type { Envelope } from './resume.ts';

/**
 * Subscriptions over server-sent events in tRPC's own format, read by `fetch`: it takes headers, which
 * `EventSource` does not, and is in every runtime. One connection each; `resumeLink` makes the next one.
 */
export const sseLink =
  (endpoint: Endpoint): TRPCLink<OlympusRouter> =>
  () =>
  ({ op }) =>
    observable((observer) => {
      const controller = new AbortController();
      const { signal } = controller;
      const silence = createSilence(controller);
      silence.endAfter(connectMs);
      const input = encodeURIComponent(JSON.stringify(serialize(op.input)));
      const init = { headers: { accept: 'text/event-stream' }, signal, sent: op.context as WireContext };
      observer.next({ result: { type: 'state', state: 'connecting', error: null } });
      request(endpoint, `/trpc/${op.path}?input=${input}`, init)
        .then((response) => follow(response, observer as unknown as Watcher, silence))
        .catch((error: unknown) => observer.error(errorFrom(signal.aborted ? signal.reason : error) as never))
        .finally(() => silence.endAfter(0));
      return () => controller.abort();
    });

type Watcher = Observer<Envelope, unknown>;
type Silence = ReturnType<typeof createSilence>;

/** For an answer to begin: a connection may be dead without a word. */
const connectMs = 30_000;

/** Cuts a stream off of which nothing comes for a while; 0 is for ever. */
function createSilence(controller: AbortController) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    endAfter(ms: number): void {
      clearTimeout(timer);
      const end = () => controller.abort(clientError('NETWORK', `Nothing came for ${ms} ms`, { cause: silence }));
      if (ms) timer = setTimeout(end, ms);
    },
  };
}

/** Passes on what a stream brings until it returns. Throws when it is cut, fails or falls silent. */
async function follow({ body }: Response, observer: Watcher, silence: Silence): Promise<void> {
  let most = connectMs;
  for await (const { type, id, data } of eventsOf(body as ReadableStream<Uint8Array>)) {
    if (type === 'connected') {
      most = (JSON.parse(data) as { reconnectAfterInactivityMs?: number }).reconnectAfterInactivityMs ?? 0;
      observer.next({ result: { type: 'started' } });
      observer.next({ result: { type: 'state', state: 'pending', error: null } });
    } else if (type === 'message' && data) {
      const item = deserialize(JSON.parse(data));
      observer.next({ result: id ? { type: 'data', id, data: { id, data: item } } : { type: 'data', data: item } });
    } else if (type === 'serialized-error') {
      throw TRPCClientError.from({ error: deserialize(JSON.parse(data)) } as object);
    } else if (type === 'return') {
      observer.next({ result: { type: 'stopped' } });
      return observer.complete();
    }
    silence.endAfter(most);
  }
  throw clientError('NETWORK', 'The stream was cut');
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
async function* eventsOf(body: ReadableStream<Uint8Array>) {
  let event = { type: 'message', id: '', data: '' };
  for await (const line of linesOf(body)) {
    if (!line) {
      yield event;
      event = { type: 'message', id: '', data: '' };
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') event.type = value;
    else if (field === 'id') event.id = value;
    else if (field === 'data') event.data += event.data ? `\n${value}` : value;
  }
}
