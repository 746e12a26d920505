import type { EventPayload, OrderEvent, OrderStatus } from '@olympus/contracts';
import { openDatabase, type Database, type DatabaseOptions } from '@olympus/database';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import postgres from 'postgres';
import type { Context } from '../../kernel/context.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { randomIds } from '../../platform/ids.ts';
import { openRedis, type Redis } from '../../platform/redis.ts';
import { createEvents, type Events } from '../events.ts';
import { append } from '../outbox.ts';
import type { Followed, Following } from '../subscription.ts';

export const log = pino({ level: 'silent' });
export const serverUrl = process.env['TEST_DATABASE_URL'];
export const redisUrl = process.env['TEST_REDIS_URL'];
/** A database of Redis that other tests do not use, which may be flushed and whose connections may be killed. */
export const ownRedisUrl = `${redisUrl?.replace(/\/\d*$/, '')}/11`;

/** A database that many processes may open, or the embedded one. */
export interface Installation {
  readonly database: Database;
  /** What a further process would open; the embedded database itself has one. */
  open(options?: DatabaseOptions): Promise<Database>;
  remove(): Promise<void>;
}

export async function installEmbedded(): Promise<Installation> {
  const dataDir = await mkdtemp(join(tmpdir(), 'olympus-events-'));
  const database = await openDatabase({ dataDir });
  return {
    database,
    open: async () => database,
    async remove() {
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface ServerInstallation extends Installation {
  /** Its database's own superuser. */
  readonly admin: postgres.Sql;
  readonly url: string;
}

export async function installOnServer(): Promise<ServerInstallation> {
  if (!serverUrl) throw new Error('TEST_DATABASE_URL is not set');
  const name = `olympus_events_${randomBytes(6).toString('hex')}`;
  const maintenance = postgres(serverUrl, { max: 1, onnotice: () => {} });
  await maintenance.unsafe(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  const opened: Database[] = [];
  const open = async (options: DatabaseOptions = {}) => {
    const database = await openDatabase({ url: url.href, ...options });
    opened.push(database);
    return database;
  };
  const admin = postgres(url.href, { max: 2, onnotice: () => {} });
  return {
    database: await open(),
    admin,
    url: url.href,
    open,
    async remove() {
      await Promise.all([admin.end(), ...opened.map((database) => database.close())]);
      await maintenance.unsafe(`drop database if exists ${name} with (force)`);
      await maintenance.end();
    },
  };
}

export const kinds: [name: string, install: () => Promise<Installation>][] = [
  ['embedded', installEmbedded],
  ...(serverUrl ? [['PostgreSQL', installOnServer] as [string, () => Promise<Installation>]] : []),
];

/** Each handle stands for a process: what runs in it hears of the commits that are made through it. */
const processes = new WeakMap<Database, Set<Events>>();

/** What one process runs. */
export interface Replica extends Events {
  readonly database: Database;
  readonly redis: Redis | null;
  readonly hints: { tenantId: string; topics: readonly string[] }[];
  close(): Promise<void>;
}

export function startReplica(
  database: Database,
  { redisPrefix, clock, onHint: alsoTell }: { redisPrefix?: string; clock?: Clock; onHint?: () => void } = {},
): Replica {
  const redis = redisPrefix ? openRedis(ownRedisUrl, { keyPrefix: redisPrefix, log }) : null;
  const hints: Replica['hints'] = [];
  const onHint = (tenantId: string, topics: readonly string[]) => {
    hints.push({ tenantId, topics });
    alsoTell?.();
  };
  const events = createEvents({ database, redis, clock: clock ?? systemClock, ids: randomIds, log, onHint });
  events.start();
  processes.set(database, (processes.get(database) ?? new Set()).add(events));
  return {
    ...events,
    database,
    redis,
    hints,
    async close() {
      processes.get(database)?.delete(events);
      await events.stop();
      await redis?.close();
    },
  };
}

export const newTenant = (): string => randomIds.next();

/** An event of an order whose notes say `notes`. */
export function orderEvent(notes: string, about: { orderId?: string; status?: OrderStatus } = {}) {
  const { orderId = randomIds.next(), status = 'pending' } = about;
  const at = new Date(1_600_000_000_123);
  const money = { amount: '12.50', currency: 'GBP' };
  const item = {
    line: 1,
    productId: randomIds.next(),
    sku: 'A',
    name: 'A',
    quantity: 1,
    unitPrice: money,
    total: money,
  };
  return {
    type: 'order.created' as const,
    orderId,
    order: {
      id: orderId,
      number: '1',
      kind: 'sale' as const,
      status,
      customerId: null,
      locationId: null,
      createdBy: null,
      country: null,
      notes,
      itemCount: 1,
      units: 1,
      total: money,
      paymentStatus: 'none' as const,
      placedAt: at,
      createdAt: at,
      updatedAt: at,
      version: 1,
      items: [item],
    },
  };
}

/** Commits one event of its topic, alone. */
export async function write(database: Database, tenantId: string, payload: EventPayload): Promise<void> {
  const topic = payload.type.startsWith('order') ? 'orders' : 'products';
  const id = 'orderId' in payload ? payload.orderId : null;
  await database.transaction(tenantId, (db) =>
    append({ db, clock: systemClock, requestId: 'test', stale: new Set() }, { topic, id }, payload),
  );
  for (const { relay } of processes.get(database) ?? []) relay.wake();
}

export const imported = (orders: number): EventPayload => ({ type: 'orders.imported', orders, lines: 0 });

export interface TestContext {
  readonly principal: { readonly tenantId: string; readonly expiresAt: number; readonly locationIds: null };
  readonly signal: Context['signal'];
  abort(): void;
}

export function contextOf(tenantId: string, expiresAt = Date.now() + 3_600_000): TestContext {
  const controller = new AbortController();
  return {
    principal: { tenantId, expiresAt, locationIds: null },
    signal: controller.signal,
    abort: () => controller.abort(),
  };
}

export const textOf = ({ event }: Followed<OrderEvent>): string =>
  'order' in event ? (event.order.notes ?? '') : event.type === 'orders.imported' ? String(event.orders) : event.type;

/** The next `count` items, the one that only says that the stream has started aside; throws when they do not come in time. */
export async function take<E extends { type: string }>(
  stream: Following<E>,
  count: number,
  withinMs = 10_000,
): Promise<Followed<E>[]> {
  const items: Followed<E>[] = [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${items.length} of ${count} items came in time`)), withinMs);
  });
  try {
    while (items.length < count) {
      const next = await Promise.race([stream.next(), late]);
      if (next.done) throw new Error(`the stream ended after ${items.length} of ${count} items`);
      if (next.value.event.type !== 'started') items.push(next.value);
    }
    return items;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `condition` holds, looking often. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not true within ${withinMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
