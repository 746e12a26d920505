import { toFailure, type Failure } from '../kernel/failure.ts';
import type { Departures } from './departures.ts';
import { eventPage } from './event-page.ts';
import { problemOf } from './problem.ts';
import { commonHeaders, reply, requestIdFor, type Exchange } from './reply.ts';
import { writeAtPace } from './stream-writer.ts';

export interface EventStreamOptions {
  readonly tracked: boolean;
  /** Tells once when the caller may no longer stay, and returns what stops the asking. */
  readonly onRefusal: (listener: (failure: Failure) => void) => () => void;
  /** Ends the call. */
  readonly abort: () => void;
  /** Tells when the stream is to end since the server winds down: its reader comes back to another replica. */
  readonly departures: Departures;
  readonly timing: StreamTiming;
}
export interface StreamTiming {
  /** Between comments that keep the connection open. */
  readonly pingMs: number;
  /** For which a reader may take nothing. */
  readonly stallMs: number;
}

export const reconnectMs = 2_000;
/** A stream that fails at once is answered with a problem; after this time its headers go out. */
const graceMs = 50;

/** Answers with `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html) until the items end, its reader leaves or may no longer stay. */
export async function replyEvents(exchange: Exchange, items: AsyncIterable<unknown>, options: EventStreamOptions) {
  const { response } = exchange;
  const { tracked, onRefusal, abort, departures, timing } = options;
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  await settledOrLater(next, graceMs);

  response.writeHead(200, {
    ...commonHeaders(exchange, null),
    'content-type': 'text/event-stream',
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${reconnectMs}\n: stream open\n\n`);

  const end = (failure: Failure | null) => {
    if (response.writableEnded || response.destroyed) return;
    if (failure) response.write(errorEvent(exchange, failure));
    response.end();
    abort();
    const stalled = setTimeout(() => response.destroy(), timing.stallMs);
    response.once('close', () => clearTimeout(stalled));
  };
  const stay = departures.add(() => end(null));
  const unwatch = onRefusal(end);
  const ping = setInterval(() => {
    if (response.writableNeedDrain) response.destroy();
    else if (!response.writableEnded) response.write(': ping\n\n');
  }, timing.pingMs);

  try {
    for (let item = await next; !item.done; item = await next) {
      if (response.writableEnded) break;
      if (!(await writeAtPace(response, event(item.value, tracked), timing.stallMs))) break;
      next = iterator.next();
    }
    end(null);
  } catch (cause) {
    end(toFailure(cause));
  } finally {
    stay();
    unwatch();
    clearInterval(ping);
    abort();
    await iterator.return?.();
  }
}

/** Answers with one page of events as JSON: for clients that streams do not reach. */
export async function replyEventPage(
  exchange: Exchange,
  items: AsyncIterable<unknown>,
  options: Omit<EventStreamOptions, 'timing'> & { readonly after: string | null; readonly waitMs: number },
): Promise<void> {
  const { tracked, after, waitMs, onRefusal, abort, departures } = options;
  let refusal: Failure | null = null;
  const unwatch = onRefusal((failure) => {
    refusal = failure;
    abort();
  });
  try {
    const page = await eventPage(items, { tracked, after, waitMs, onClosing: departures.add });
    if (refusal) throw refusal as Failure;
    const events = page.items.map((item) => (tracked ? item : { id: null, data: item }));
    reply(exchange, {
      status: 200,
      headers: { ...commonHeaders(exchange, null), 'content-type': 'application/json' },
      body: JSON.stringify({ events, lastEventId: page.lastEventId }),
    });
  } finally {
    unwatch();
    abort();
  }
}

/** An event goes to many: each item is written once, as long as it is the same object for all. */
const written = new WeakMap<object, string>();

function event(item: unknown, tracked: boolean): string {
  if (!tracked) return eventText(item, false);
  let text = written.get(item as object);
  if (text === undefined) written.set(item as object, (text = eventText(item, true)));
  return text;
}

function eventText(item: unknown, tracked: boolean): string {
  const { id, data } = tracked ? (item as { id: string; data: unknown }) : { id: null, data: item };
  const { type } = data as { type?: unknown };
  const name = typeof type === 'string' ? `event: ${type}\n` : '';
  return `${id === null ? '' : `id: ${id}\n`}${name}data: ${JSON.stringify(data)}\n\n`;
}

const errorEvent = (exchange: Exchange, failure: Failure): string =>
  `event: error\ndata: ${JSON.stringify(problemOf(failure, requestIdFor(exchange), exchange.path))}\n\n`;

async function settledOrLater(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const later = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([promise, later]);
  } finally {
    clearTimeout(timer);
  }
}
