import { sql, type Database } from '@olympus/database';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { randomIds } from '../../platform/ids.ts';
import { log, startReplica, type Replica } from '../testing/installation.ts';
import type { ConsumedEvent, Consumer, Delivery } from './consumer.ts';
import { createConsumers } from './consumers.ts';

/** What an order event's notes say. */
export const notesOf = ({ payload }: ConsumedEvent): string => ('order' in payload ? (payload.order.notes ?? '') : '');

type Handle = (event: ConsumedEvent, delivery: Delivery) => Promise<void>;

/** A consumer of orders that does what `handle` says with those of one tenant; it is new, so it is given all there are. */
export const consumerOf = (
  { name, tenantId }: { name: string; tenantId: string },
  handle: Handle,
  settings: Partial<Consumer> = {},
): Consumer => ({
  name,
  types: ['order.created', 'order.updated'],
  retry: { attempts: 3, firstMs: 20, maxMs: 100 },
  handle: async (event, delivery) => {
    if (event.tenantId === tenantId) await handle(event, delivery);
  },
  ...settings,
});

export interface Serving extends Replica {
  stop(): Promise<void>;
}

/** One process with its relay and its consumers. */
export function serve(database: Database, consumers: readonly Consumer[], clock: Clock = systemClock): Serving {
  const served = createConsumers(consumers, { database, clock, ids: randomIds, log });
  const replica = startReplica(database, { clock, onHint: served.wake });
  served.start();
  return {
    ...replica,
    async stop() {
      await served.stop();
      await replica.close();
    },
  };
}

/** What stands aside for a consumer, in order. */
export const parkedOf = (database: Database, tenantId: string, consumer: string) =>
  database.tenant(tenantId).rows<{
    id: string;
    notes: string;
    state: string;
    attempts: number;
    error: string | null;
  }>(sql`
    select id, payload #>> '{order,notes}' as notes, state, attempts, error from consumer_deliveries
    where tenant_id = ${tenantId}::uuid and consumer = ${consumer} order by ordinal`);

export async function offsetOf(database: Database, tenantId: string, consumer: string, lane = 'live') {
  const [row] = await database.tenant(tenantId).rows<{ position: string }>(sql`
    select position from consumer_offsets
    where tenant_id = ${tenantId}::uuid and consumer = ${consumer} and lane = ${lane}`);
  return row ? Number(row.position) : null;
}
