import type { ChatEvent, CustomerEvent, EventPayload, OrderEvent, ProductEvent, UserEvent } from '@olympus/contracts';
import { isUnavailable } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../kernel/context.ts';
import { Failure } from '../kernel/failure.ts';
import { perBatch, type flow, type Flowing, type Take } from '../kernel/items.ts';
import type { Clock } from '../platform/clock.ts';
import { decodeEventId, encodeEventId, type Place } from './event-id.ts';
import type { Hub } from './hub.ts';
import { gapBetween, pageSize, type EventLog, type PlacedEvent } from './log.ts';
import type { Topic } from './outbox.ts';
import { createExpiry, followingFlow } from './following.ts';
import type { Subscriber } from './subscriber.ts';

/** What tells of the stream itself. */
type Marker = Extract<OrderEvent, { type: 'started' | 'reset' }>;
interface Events extends Record<Topic, { type: string }> {
  orders: OrderEvent;
  products: ProductEvent;
  customers: CustomerEvent;
  users: UserEvent;
  /** As they stand in the log: for many at once. */
  notifications: EventPayload<'announcement.published' | 'notifications.created' | 'notifications.read'> | Marker;
  chat: ChatEvent;
}

/** An event without what tells of the stream. */
export type Told<E> = Exclude<E, Marker>;

/** An event with the id from which the stream resumes after it. */
export interface Followed<E> {
  readonly id: string;
  readonly event: E;
}

/** Ends when the call's signal aborts, when it is returned, and by `UNAUTHENTICATED` when the credential expires. */
export interface Following<E>
  extends AsyncGenerator<Followed<E>, void, undefined>, Pick<Flowing<Followed<E>>, typeof flow> {
  /** Resolves when everything that commits from now on will be delivered, to the id from which it resumes here. */
  readonly started: Promise<string>;
}

export interface FollowOptions<T extends Topic> {
  readonly topic: T;
  /** Of the last event that was seen; what came after it comes first. Without one the stream begins now. */
  readonly lastEventId?: string | undefined;
  /** Which events are wanted; `started` and `reset` come in any case. */
  readonly filter?: ((event: Told<Events[T]>) => boolean) | undefined;
}

/**
 * Follows the events of the caller's tenant: in order, each once. One that goes on from no
 * event begins with `started`, from whose id it resumes; where some can no longer be had, one `reset` takes their place. Starts with the call, not with the first pull.
 */
export type Follow<A extends Topic = Topic> = <T extends A>(
  ctx: Pick<Context, 'signal'> & {
    readonly principal: Pick<Context['principal'], 'tenantId' | 'expiresAt' | 'locationIds'>;
  },
  options: FollowOptions<T>,
) => Following<Events[T]>;

export interface FollowDependencies {
  readonly hub: Hub;
  readonly log: EventLog;
  readonly clock: Clock;
}

const retryMs = 500;

export function createFollow({ hub, log, clock }: FollowDependencies): Follow {
  return (ctx, { topic, lastEventId, filter }) => {
    const { tenantId, expiresAt, locationIds } = ctx.principal;
    const subscriber = hub.subscribe({ tenantId, topic });
    const expiry = createExpiry(expiresAt, clock, () => subscriber.end());
    const end = () => {
      expiry.clear();
      ctx.signal.removeEventListener('abort', end);
      subscriber.end();
    };
    ctx.signal.addEventListener('abort', end);
    if (ctx.signal.aborted) end();

    const source: Source = { subscriber, log, join: () => hub.join(subscriber) };
    const start = beginAt(source, lastEventId || undefined);
    const started = start.then(() => encodeEventId(subscriber.place));
    started.catch(() => {});
    const wanted = filter as ((event: unknown) => boolean) | undefined;

    const isKept = (item: Any): boolean =>
      isWithin(item.event, locationIds) && (isMarker(item.event) || !wanted || wanted(item.event));
    const takesAll = !locationIds && !wanted;
    const keptOf = (batch: readonly Any[]) => (takesAll ? batch : batch.filter(isKept)) as readonly Followed<never>[];

    async function* follow(
      direct?: Take<Followed<never>>,
    ): AsyncGenerator<readonly Followed<never>[], void, undefined> {
      const handOn: Take<Any> = (batch) => {
        const kept = keptOf(batch);
        if (expiry.passed()) subscriber.end();
        else if (kept.length > 0) return direct?.(kept);
        return undefined;
      };
      try {
        for await (const batch of eventsFrom(source, start, direct && handOn)) {
          if (expiry.passed()) break;
          const kept = keptOf(batch);
          if (kept.length > 0) yield kept;
        }
        if (expiry.passed()) throw new Failure('UNAUTHENTICATED', null);
      } finally {
        end();
      }
    }
    return followingFlow(follow, { started, end });
  };
}

/**
 * Whether an event may be told to somebody who is kept to these locations. An import tells of orders of none. An order
 * that has moved out of reach is not told of: whoever may not read it may not watch it leave.
 */
function isWithin(event: EventPayload | Marker, locationIds: ReadonlySet<string> | null): boolean {
  if (!locationIds || isMarker(event)) return true;
  if ('order' in event) return event.order.locationId !== null && locationIds.has(event.order.locationId);
  return event.type !== 'orders.imported';
}

const isMarker = (event: EventPayload | Marker): event is Marker => event.type === 'started' || event.type === 'reset';

interface Source {
  readonly subscriber: Subscriber;
  readonly log: EventLog;
  readonly join: () => boolean;
}

/** What the first pull finds: events to pass over, and what is to be told of the stream before all others. */
interface Start {
  readonly passOver: Set<number>;
  readonly marker: Marker | null;
}

async function beginAt({ subscriber, log }: Source, lastEventId: string | undefined): Promise<Start> {
  const place = lastEventId === undefined ? null : decodeEventId(lastEventId);
  if (place) {
    subscriber.place = place;
    return { passOver: new Set(), marker: null };
  }
  const now = await log.now(subscriber.tenantId);
  subscriber.place = now.head;
  if (lastEventId !== undefined) return { passOver: new Set(), marker: reset('The last event id is not one of ours') };
  return { passOver: new Set(now.unplaced), marker: { type: 'started' } };
}

type Any = Followed<EventPayload | Marker>;
const reset = (reason: string): Marker => ({ type: 'reset', reason });
const markerAt = (place: Place, event: Marker): Any => ({ id: encodeEventId(place), event });

/** What comes while live goes to `direct`, where there is one; what is told before, and what is caught up with, is yielded. */
async function* eventsFrom(source: Source, start: Promise<Start>, direct?: Take<Any>): AsyncGenerator<readonly Any[]> {
  const { subscriber } = source;
  const begun = await subscriber.unlessEnded(start);
  if (!begun) return;
  if (begun.marker) yield [markerAt(subscriber.place, begun.marker)];
  while (!subscriber.ended) {
    if (!subscriber.live) {
      yield* caughtUp(source, begun.passOver);
      continue;
    }
    const fresh = (events: readonly PlacedEvent[]) =>
      toItems(begun.passOver.size === 0 ? events : notPassedOver(events, begun.passOver));
    if (direct) {
      await subscriber.handTo((events) => direct(fresh(events)));
      continue;
    }
    const items = fresh(await subscriber.next());
    if (items.length > 0) yield items;
  }
}

const notPassedOver = (events: readonly PlacedEvent[], passOver: Set<number>): readonly PlacedEvent[] =>
  events.filter(({ sequence }) => !passOver.delete(sequence));

/** Reads one page of the log, in the reader's own time, and joins the feed behind the last one. */
async function* caughtUp({ subscriber, log, join }: Source, passOver: Set<number>): AsyncGenerator<readonly Any[]> {
  const { tenantId, topic, place } = subscriber;
  const page = await subscriber.unlessEnded(
    patiently(subscriber, () => log.read({ tenantId, topic, after: place.position })),
  );
  if (!page) return;
  const gap = gapBetween(place, page);
  if (gap !== null) {
    subscriber.place = page.head;
    yield [markerAt(page.head, reset(gap))];
    return;
  }
  const items = toItems(notPassedOver(page.events, passOver));
  if (items.length > 0) yield items;
  if (subscriber.ended) return;
  const last = page.events[pageSize - 1];
  subscriber.place = last ? { epoch: last.epoch, position: last.position } : page.head;
  if (!last) join();
}

/** An event that a newer version of the program wrote is shown as what its reader has to do: look again. */
const toItem = ({ id, payload }: PlacedEvent): Any => ({
  id,
  event: payload ?? reset('Something changed in a way that this version cannot tell'),
});

const toItems = perBatch((events: readonly PlacedEvent[]): readonly Any[] => events.map(toItem));

/** A stream outlives the database's absence. Null where it has ended meanwhile. */
export async function patiently<R>(stream: { readonly ended: boolean }, read: () => Promise<R>): Promise<R | null> {
  while (!stream.ended) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await sleep(retryMs, undefined, { ref: false });
    }
  }
  return null;
}
