import type { Caller, Principal } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { refusedAddress } from '../kernel/steps/authenticate.ts';

/** Keeps asking whether the callers of open streams and sockets may stay. */
export interface CredentialWatch {
  /** Calls `onEnd` once when the caller's credential has expired, its session has ended, its role has changed, or its tenant keeps its address out. The answer ends the watch. */
  watch(caller: Caller, principal: Principal, onEnd: (failure: Failure) => void): () => void;
}

interface Options {
  readonly everyMs?: number;
  /** Credentials that are asked about in a round; with more of them open, each waits for its turn. Expiry needs no asking. */
  readonly perRound?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}
interface Watched {
  readonly caller: Caller;
  readonly principal: Principal;
  readonly listeners: Set<(failure: Failure) => void>;
}

/** Streams that share a credential, and the address they come from, are one question: a thousand tabs of a user cost as much as one. */
export function credentialWatch(kernel: Kernel, options: Options = {}): CredentialWatch {
  const { everyMs = 500, perRound = 200, now = Date.now } = options;
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let asking = false;

  const end = (credential: string, failure: Failure): void => {
    const entry = watched.get(credential);
    watched.delete(credential);
    for (const listener of entry?.listeners ?? []) listener(failure);
  };
  const ask = async (credential: string, { caller, principal }: Watched): Promise<void> => {
    try {
      const { principal: _, ...fresh } = caller;
      const found = await kernel.identify(fresh);
      if (found?.role !== principal.role) end(credential, ended('The role of the caller has changed'));
    } catch (cause) {
      // A database that does not answer is no reason to send everybody away.
      if (toFailure(cause).code === 'UNAUTHENTICATED') end(credential, ended('The session has ended'));
    }
  };
  const round = async (): Promise<void> => {
    const time = now();
    for (const [key, { caller, principal }] of watched)
      if (principal.expiresAt <= time) end(key, ended('The credential has expired'));
      else if (!kernel.admits(caller, principal)) end(key, refusedAddress());
    const turn = [...take(watched, perRound)];
    for (const [credential, entry] of turn) {
      watched.delete(credential);
      watched.set(credential, entry);
    }
    await Promise.all(turn.map(([credential, entry]) => ask(credential, entry)));
  };
  const tick = (): void => {
    if (watched.size === 0) {
      clearInterval(timer);
      timer = undefined;
    } else if (!asking) {
      asking = true;
      void round().finally(() => (asking = false));
    }
  };

  return {
    watch(caller, principal, onEnd) {
      const { credential } = caller;
      if (credential === null) return () => undefined;
      const key = `${caller.address} ${credential}`;
      let entry = watched.get(key);
      if (!entry) watched.set(key, (entry = { caller, principal, listeners: new Set() }));
      // A listener of its own, so that one function given twice is called twice.
      const listener = (failure: Failure) => onEnd(failure);
      entry.listeners.add(listener);
      timer ??= setInterval(tick, everyMs).unref();
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0 && watched.get(key) === entry) watched.delete(key);
      };
    },
  };
}

const ended = (detail: string): Failure => new Failure('UNAUTHENTICATED', null, { detail });

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

interface Follower {
  readonly kernel: Kernel;
  readonly watch: CredentialWatch;
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/**
 * Follows a stream no longer than its caller's credential is good. Then the stream ends with `UNAUTHENTICATED`, and
 * its follower may come back with a new one and the id of the last event.
 */
export async function* whileCredentialLasts<T>(
  { kernel, watch, caller, signal }: Follower,
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
): AsyncGenerator<T, void, undefined> {
  const ending = new AbortController();
  const stop = () => ending.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let refusal: Failure | null = null;
  let unwatch: (() => void) | undefined;
  try {
    const items = await open(ending.signal);
    const principal = await kernel.identify(caller);
    unwatch =
      principal === null
        ? undefined
        : watch.watch(caller, principal, (failure) => {
            refusal = failure;
            stop();
          });
    yield* items;
  } catch (cause) {
    if (!refusal) throw cause;
  } finally {
    unwatch?.();
    signal.removeEventListener('abort', stop);
    stop();
  }
  if (refusal) throw refusal as Failure;
}
