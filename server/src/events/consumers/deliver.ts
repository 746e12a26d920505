import { sql, type Database } from '@olympus/database';
import type { Clock } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { revive } from '../revive.ts';
import { live, NotNow, type ConsumedEvent, type Consumer, type Delivery } from './consumer.ts';
import type { Gate } from './gate.ts';
import type { Lane, Parked, StoredEvent, Work } from './work.ts';

export interface Failed {
  readonly event: StoredEvent | Parked;
  readonly attempts: number;
  readonly error: string;
}

/** What became of a lane's work. */
export interface Outcome {
  /** Of parked events that are handled. */
  readonly done: Parked[];
  readonly failed: Failed[];
  /** Fresh events that wait behind others, or that the turn had no time for. */
  readonly held: StoredEvent[];
}

export interface Deliverer {
  readonly database: Database;
  readonly consumer: Consumer;
  readonly clock: Clock;
  /** Of all handlers of the consumer in this process. */
  readonly gate: Gate;
}

/** Whether a turn may begin another handler; its signal ends with the right to go on. */
export interface Turn {
  readonly signal: AbortSignal;
  readonly mayGoOn: () => boolean;
}

const timeoutMs = 10_000;
/** So long are effects of an event remembered; an event itself is kept for less. */
const rememberMs = 30 * 86_400_000;

/** Hands a lane's events to the consumer: those of one subject in order, subjects beside each other. Never rejects. */
export async function deliver(deps: Deliverer, { lane, work, turn }: { lane: Lane; work: Work; turn: Turn }) {
  const outcome: Outcome = { done: [], failed: [], held: [] };
  const chains = new Map<string, (StoredEvent | Parked)[]>();
  const follow = (event: StoredEvent | Parked) => {
    const chain = chains.get(event.subjectKey);
    if (chain) chain.push(event);
    else chains.set(event.subjectKey, [event]);
  };
  for (const parked of work.due) follow(parked);
  for (const event of work.fresh) {
    if (work.blocked.has(event.subjectKey)) outcome.held.push(event);
    else follow(event);
  }
  await Promise.all([...chains.values()].map((chain) => deliverChain(deps, { lane, chain, turn, outcome })));
  return outcome;
}

interface Chain {
  readonly lane: Lane;
  readonly chain: readonly (StoredEvent | Parked)[];
  readonly turn: Turn;
  readonly outcome: Outcome;
}

async function deliverChain(deps: Deliverer, { lane, chain, turn, outcome }: Chain): Promise<void> {
  let stopped = false;
  for (const event of chain) {
    const attempts = ('attempts' in event ? event.attempts : 0) + 1;
    const result = stopped ? 'later' : await deps.gate(() => attempt(deps, { lane, event, attempts, turn }));
    if (result === 'handled') {
      if ('id' in event) outcome.done.push(event);
      continue;
    }
    stopped = true;
    if (result !== 'later') outcome.failed.push({ event, attempts, error: result.error });
    else if (!('id' in event)) outcome.held.push(event);
  }
}

interface Attempt {
  readonly lane: Lane;
  readonly event: StoredEvent;
  readonly attempts: number;
  readonly turn: Turn;
}

async function attempt(
  { database, consumer, clock }: Deliverer,
  { lane, event, attempts, turn }: Attempt,
): Promise<'handled' | 'later' | { error: string }> {
  if (!turn.mayGoOn()) return 'later';
  const limit = attemptLimit(turn.signal, consumer.timeoutMs ?? timeoutMs);
  const replayId = lane.lane === live ? null : lane.lane;
  const delivery: Delivery = {
    attempt: attempts,
    replayId,
    signal: limit.signal,
    once: (work) =>
      database.transaction(lane.tenantId, async (db) => {
        const key = replayId === null ? event.eventId : `${event.eventId}/${replayId}`;
        const taken = await db.rows(sql`
          insert into consumed_events (tenant_id, consumer, delivery, expires_at)
          values (${lane.tenantId}::uuid, ${consumer.name}, ${key}, ${new Date(clock.now().getTime() + rememberMs)})
          on conflict do nothing returning 1 as taken`);
        if (taken.length > 0) await work(db);
        return taken.length > 0;
      }),
  };
  try {
    await Promise.race([consumer.handle(toConsumed(lane, event), delivery), limit.over]);
    return 'handled';
  } catch (error) {
    // An attempt that was broken off by the end of the process or of its lease is nobody's fault.
    return turn.signal.aborted || error instanceof NotNow ? 'later' : { error: errorText(error) };
  } finally {
    limit.clear();
  }
}

/** Not `AbortSignal.any`, whose parts are kept for as long as the turn's own signal. */
function attemptLimit(outer: AbortSignal, milliseconds: number) {
  const controller = new AbortController();
  const { promise: over, reject } = withReject();
  const end = (reason: Error) => {
    controller.abort(reason);
    reject(reason);
  };
  const ended = () => end(new Error('this process may not go on'));
  const timer = setTimeout(() => end(new Error(`the attempt took longer than ${milliseconds} ms`)), milliseconds);
  outer.addEventListener('abort', ended, { once: true });
  return {
    signal: controller.signal,
    over,
    clear() {
      clearTimeout(timer);
      outer.removeEventListener('abort', ended);
    },
  };
}

function withReject(): { promise: Promise<never>; reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => {};
  const promise = new Promise<never>((_, fail) => (reject = fail));
  // Nobody waits for it where no handler was begun.
  promise.catch(() => {});
  return { promise, reject };
}

function toConsumed({ tenantId }: Lane, event: StoredEvent): ConsumedEvent {
  // `revive` changes what it is given, and what is stored must stay as it was.
  const payload = revive(event.type, event.eventVersion, structuredClone(event.payload));
  if (!payload) throw new Error(`version ${event.eventVersion} of ${event.type} is of another version of the program`);
  const { eventId: id, subjectId, requestId, occurredAt } = event;
  return { id, tenantId, type: payload.type, subjectId, payload, requestId, occurredAt };
}
