import { contracts, type DeadLetter, type DeadLetterDetails, type Session } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import type { ConsumedEvent, Consumer, Delivery } from '../../events/consumers/consumer.ts';
import { createConsumers } from '../../events/consumers/consumers.ts';
import { createRelay } from '../../events/relay.ts';
import { orderEvent, until, write } from '../../events/testing/installation.ts';
import { createLogger } from '../../platform/logger.ts';
import { nobodyFollows, procedures, startTestKernel, type TestDependencies, type TestKernel } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { events } from './procedures.ts';

export const consumer = 'partners';

/** What the consumer of these tests was given, of one tenant. */
export interface Given {
  readonly notes: string;
  readonly attempt: number;
  readonly replayId: string | null;
}

export interface Desk {
  readonly session: Session;
  readonly tenantId: string;
  readonly given: readonly Given[];
  /** Events whose notes are among these fail. */
  readonly failing: Set<string>;
  call<T = unknown>(path: string, input?: object): Promise<T>;
  refusal(path: string, input?: object, token?: string): Promise<{ code: string; data: unknown }>;
  colleague(role: string): Promise<Session>;
  /** Commits an event of an order with these notes. */
  write(notes: string, orderId: string): Promise<void>;
  letters(filters?: object): Promise<DeadLetter[]>;
  /** Writes an event that fails until it is a dead letter. */
  kill(notes: string, orderId: string): Promise<DeadLetterDetails>;
}

export interface ConsumingKernel extends TestKernel {
  open(): Promise<Desk>;
}

/** A kernel with a relay and a consumer that gives up after two attempts. */
export async function startConsuming(databaseUrl: string | undefined): Promise<ConsumingKernel> {
  const desks = new Map<string, { given: Given[]; failing: Set<string> }>();
  const handle = async ({ tenantId, payload }: ConsumedEvent, { attempt, replayId }: Delivery) => {
    const notes = 'order' in payload ? (payload.order.notes ?? '') : payload.type;
    desks.get(tenantId)?.given.push({ notes, attempt, replayId });
    if (desks.get(tenantId)?.failing.has(notes)) throw new Error(`the partner refuses ${notes}`);
  };
  const partners: Consumer = {
    name: consumer,
    types: ['order.created', 'order.updated'],
    retry: { attempts: 2, firstMs: 1, maxMs: 1 },
    handle,
  };
  const log = createLogger({ level: 'silent' });
  let stop: () => Promise<void> = async () => {};
  const all = ({ database, clock, ids, cursors, auth }: TestDependencies) => {
    const consumers = createConsumers([partners], { database, clock, ids, log });
    const relay = createRelay({ database, clock, ids, log, onPlaced: consumers.wake });
    relay.start();
    consumers.start();
    stop = async () => {
      await consumers.stop();
      await relay.stop();
    };
    return [
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
      ...procedures('events', contracts.events, events({ cursors, consumers })),
    ];
  };
  const kernel = await startTestKernel({ databaseUrl, procedures: all });

  async function open(): Promise<Desk> {
    const session = await kernel.register();
    const token = session.accessToken;
    const { tenant } = await kernel.call<{ tenant: { id: string } }>('auth.me', undefined, { token });
    const own = { given: [] as Given[], failing: new Set<string>() };
    desks.set(tenant.id, own);
    const call: Desk['call'] = (path, input) => kernel.call(path, input, { token });
    const letters = async (filters: object = {}) =>
      (await call<{ items: DeadLetter[] }>('events.deadLetters.list', { sort: 'createdAt', ...filters })).items;
    const writeNotes = (notes: string, orderId: string) =>
      write(kernel.database, tenant.id, orderEvent(notes, { orderId }));
    return {
      session,
      tenantId: tenant.id,
      ...own,
      call,
      refusal: (path, input, as = token) => kernel.refusal(path, input, { token: as }),
      async colleague(role) {
        const email = `${randomUUID()}@shop.test`;
        const password = 'correct horse battery';
        await call('users.create', { email, name: 'Cole', role, password });
        return kernel.call<Session>('auth.login', { email, password });
      },
      write: writeNotes,
      letters,
      async kill(notes, orderId) {
        const before = new Set((await letters()).map(({ id }) => id));
        own.failing.add(notes);
        await writeNotes(notes, orderId);
        let id: string | undefined;
        await until(async () => {
          id = (await letters()).find((letter) => !before.has(letter.id))?.id;
          return id !== undefined;
        });
        return call<DeadLetterDetails>('events.deadLetters.get', { id });
      },
    };
  }
  return {
    ...kernel,
    open,
    async close() {
      await stop();
      await kernel.close();
    },
  };
}
