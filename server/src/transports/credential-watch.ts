import type { Caller, Principal } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import type { AccessChange } from '../kernel/steps/authenticate.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { refusedAddress } from '../kernel/steps/authenticate.ts';

/** Looks after the callers of open streams and sockets: whether they may stay. */
export interface CredentialWatch {
  /**
   * Calls `onEnd` once when the caller's credential has expired, has been revoked, or reaches less or more than it did, and
   * when its tenant keeps its address out. The answer ends the watch.
   */
  watch(caller: Caller, principal: Principal, onEnd: (failure: Failure) => void): () => void;
}

interface Options {
  readonly everyMs?: number;
  /** Credentials that are asked about in a round, in case that word of a change was lost. */
  readonly perRound?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}
interface Watched {
  /** The credential and the address that it comes from. */
  readonly key: string;
  readonly caller: Caller;
  /** As it was found last: when it ends may have changed since. */
  principal: Principal;
  readonly listeners: Set<(failure: Failure) => void>;
}

/** For which a change is held against credentials that begin to be watched. */
const rememberedMs = 3_000;

/**
 * Word of a change ends what it is about at once, however many streams are open; the rounds, which ask about some of them
 * at a time, are the net below. Streams that share a credential, and the address they come from, are one question: a
 * thousand tabs of a user cost as much as one.
 */
export function credentialWatch(kernel: Kernel, options: Options = {}): CredentialWatch {
  const { everyMs = 500, perRound = 50, now = Date.now } = options;
  const watched = new Map<string, Watched>();
  const bySubject = new Map<string, Set<Watched>>();
  let timer: NodeJS.Timeout | undefined;
  let unlisten: (() => void) | undefined;
  let asking = false;
  let recent: { readonly change: AccessChange; readonly at: number }[] = [];

  const remove = (entry: Watched): void => {
    if (watched.get(entry.key) === entry) watched.delete(entry.key);
    for (const subject of subjectsOf(entry.principal)) {
      const others = bySubject.get(subject);
      others?.delete(entry);
      if (others?.size === 0) bySubject.delete(subject);
    }
  };
  const end = (entry: Watched, failure: Failure): void => {
    remove(entry);
    for (const listener of entry.listeners) listener(failure);
    entry.listeners.clear();
  };
  const ask = async (entry: Watched): Promise<void> => {
    try {
      const { principal: _, ...fresh } = entry.caller;
      const found = await kernel.identify(fresh);
      if (found && reachesTheSame(found, entry.principal)) entry.principal = found;
      else end(entry, ended('What the caller may do has changed'));
    } catch (cause) {
      const failure = toFailure(cause);
      // A database that does not answer is no reason to send everybody away.
      if (failure.code === 'UNAUTHENTICATED') {
        const what = entry.principal.apiKeyId === null ? 'session' : 'API key';
        end(entry, ended(`The ${what} has ended`));
      } else if (failure.code === 'TENANT_SUSPENDED') end(entry, failure);
    }
  };
  const onChange = (change: AccessChange): void => {
    const { kind, id } = change;
    const at = performance.now();
    recent = [...recent.filter((one) => at - one.at < rememberedMs), { change, at }];
    for (const entry of bySubject.get(`${kind}:${id}`) ?? []) {
      // Thousands may be of one tenant, and only its suspension is told of: nobody needs to be asked.
      if (kind === 'tenant') end(entry, new Failure('TENANT_SUSPENDED', null));
      else void ask(entry);
    }
  };
  const round = async (): Promise<void> => {
    const time = now();
    for (const entry of watched.values())
      if (entry.principal.expiresAt <= time) end(entry, ended('The credential has expired'));
      else if (!kernel.admits(entry.caller, entry.principal)) end(entry, refusedAddress());
    const turn = [...take(watched.values(), perRound)];
    for (const entry of turn) {
      watched.delete(entry.key);
      watched.set(entry.key, entry);
    }
    await Promise.all(turn.map(ask));
  };
  const tick = (): void => {
    if (watched.size === 0) {
      clearInterval(timer);
      unlisten?.();
      timer = unlisten = undefined;
    } else if (!asking) {
      asking = true;
      void round().finally(() => (asking = false));
    }
  };
  const add = (key: string, caller: Caller, principal: Principal): Watched => {
    const entry: Watched = { key, caller, principal, listeners: new Set() };
    watched.set(key, entry);
    for (const subject of subjectsOf(principal)) {
      let others = bySubject.get(subject);
      if (!others) bySubject.set(subject, (others = new Set()));
      others.add(entry);
    }
    timer ??= setInterval(tick, everyMs).unref();
    unlisten ??= kernel.onAccessChange(onChange);
    // Who was found good just before a change may come here just after word of it.
    const subjects = new Set(subjectsOf(principal));
    if (recent.some(({ change: { kind, id } }) => subjects.has(`${kind}:${id}`))) void ask(entry);
    return entry;
  };

  return {
    watch(caller, principal, onEnd) {
      const { credential } = caller;
      if (credential === null) return () => undefined;
      const key = `${caller.address} ${credential}`;
      const known = watched.get(key);
      // One that was watched under other rights is about to end; a newcomer is judged by its own.
      const entry = known && reachesTheSame(known.principal, principal) ? known : add(key, caller, principal);
      // A listener of its own, so that one function given twice is called twice.
      const listener = (failure: Failure) => onEnd(failure);
      entry.listeners.add(listener);
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0) remove(entry);
      };
    },
  };
}

/** What a change may be about that concerns a principal. */
function* subjectsOf({ tenantId, userId, sessionId, apiKeyId }: Principal): Generator<string> {
  yield `tenant:${tenantId}`;
  yield `user:${userId}`;
  if (sessionId !== null) yield `session:${sessionId}`;
  if (apiKeyId !== null) yield `key:${apiKeyId}`;
}

/** Whether what was opened for one principal may go on for the other. */
export const reachesTheSame = (a: Principal, b: Principal): boolean =>
  a.userId === b.userId &&
  a.tenantId === b.tenantId &&
  a.role === b.role &&
  isSameSet(a.permissions, b.permissions) &&
  (a.locationIds && b.locationIds ? isSameSet(a.locationIds, b.locationIds) : a.locationIds === b.locationIds);

const isSameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a === b || (a.size === b.size && [...a].every((one) => b.has(one)));

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
