import type { IncomingMessage } from 'node:http';
import type { Invocation, Kernel } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import type { Departures } from './departures.ts';
import { credentialWatch, whileCredentialLasts } from './credential-watch.ts';
import { eventPage, waitMsOf } from './event-page.ts';
import type { TrpcCall } from './trpc-request.ts';
import { encoderOf } from './wire.ts';

/** Whether a subscription is asked for as one page of events, and not as a stream. Downloads have an end and no ids: no pages. */
export function isPoll({ byPath }: Kernel, { headers }: IncomingMessage, call: TrpcCall | undefined): boolean {
  const { accept = '' } = headers;
  if (!/^application\/json\b/i.test(accept.trim()) || accept.includes('text/event-stream')) return false;
  return !byPath.get(call?.path ?? '')?.contract.def.download;
}

/** Answers a poll of a subscription with `{ events, lastEventId }` as text. Each event is encoded for itself, as streams encode it. */
export type Poll = (invocation: Invocation, request: IncomingMessage) => Promise<string>;

/** Long polling of tRPC subscriptions, for clients that neither WebSockets nor event streams reach. */
export function trpcPolls({ kernel, departures }: { kernel: Kernel; departures: Departures }): Poll {
  const watch = credentialWatch(kernel);
  return async (invocation, request) => {
    const { procedure, caller, input, signal } = invocation;
    const { contract } = procedure;
    const waitMs = waitMsOf(request.headers['prefer']);
    const open = (ending: AbortSignal) =>
      kernel.execute({ ...invocation, signal: ending, rate: 'read' }) as Promise<AsyncIterable<unknown>>;
    // A generator that waits for its next item heeds no `return`.
    const answered = new AbortController();
    const ended = AbortSignal.any([signal, answered.signal]);
    const items = whileCredentialLasts({ kernel, watch, caller, signal: ended }, open);
    const { items: taken, lastEventId } = await eventPage(items, {
      tracked: contract.def.tracked === true,
      after: afterOf(input),
      waitMs,
      onClosing: departures.add,
    }).finally(() => answered.abort());
    const encode = encoderOf(contract);
    return `{"json":{"events":[${taken.map(encode).join(',')}],"lastEventId":${JSON.stringify(lastEventId)}}}`;
  };
}

/** The id from which the stream goes on. The kernel says what is wrong with an input. */
function afterOf(input: unknown): string | null {
  if (input instanceof Failure || typeof input !== 'object' || input === null || !('lastEventId' in input)) return null;
  return typeof input.lastEventId === 'string' ? input.lastEventId : null;
}
