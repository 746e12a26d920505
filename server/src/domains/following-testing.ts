import type { Session } from '@olympus/contracts';
import { createConsumers, type Consumers } from '../events/consumers/consumers.ts';
import type { Consumer } from '../events/consumers/consumer.ts';
import { createEvents, type Events } from '../events/events.ts';
import { until } from '../events/testing/installation.ts';
import type { Procedure } from '../kernel/implement.ts';
import { createLogger } from '../platform/logger.ts';
import { callerWith, startTestKernel, type TestDependencies, type TestKernel } from './testing.ts';

/** An item of a stream, as the kernel hands it to transports. */
export interface Item<D = { type: string }> {
  readonly id: string;
  readonly data: D;
}

/** What a stream has given so far. */
export interface Stream<D> {
  readonly items: Item<D>[];
  /** Waits for items, the markers included; throws when they do not come in time. */
  atLeast(count: number): Promise<Item<D>[]>;
  end(): void;
}

export interface FollowingKernel extends TestKernel {
  readonly events: Events;
  /** Stops the consumers, and starts others in their place afterwards. */
  interrupted(meanwhile: () => Promise<unknown>): Promise<void>;
  /** Subscribes as somebody; resolves once the stream has begun. */
  follow<D extends { type: string }>(path: string, input: object, who: Session): Promise<Stream<D>>;
}

interface Made {
  readonly procedures: Procedure[];
  readonly consumers?: Consumer[];
}

/** A kernel with live events and the consumers that are asked for. */
export async function startFollowing(
  databaseUrl: string | undefined,
  make: (deps: TestDependencies & { readonly events: Events }) => Made,
): Promise<FollowingKernel> {
  const log = createLogger({ level: 'silent' });
  let running: { events: Events; begin: () => Consumers; consumers: Consumers } | undefined;
  const kernel = await startTestKernel({
    databaseUrl,
    procedures: (deps) => {
      const { database, clock, ids } = deps;
      const events = createEvents({ database, redis: null, clock, ids, log, onHint: () => running?.consumers.wake() });
      const { procedures, consumers = [] } = make({ ...deps, events });
      const begin = () => createConsumers(consumers, { database, clock, ids, log });
      running = { events, begin, consumers: begin() };
      return procedures;
    },
  });
  if (!running) throw new Error('the procedures were not asked for');
  const parts = running;
  const { events } = parts;
  events.start();
  parts.consumers.start();
  return {
    ...kernel,
    events,
    async interrupted(meanwhile) {
      await parts.consumers.stop();
      await meanwhile();
      parts.consumers = parts.begin();
      parts.consumers.start();
    },
    async follow(path, input, { accessToken }) {
      const procedure = kernel.kernel.byPath.get(path);
      if (!procedure) throw new Error(`no procedure ${path}`);
      const controller = new AbortController();
      const { signal } = controller;
      const call = { procedure, caller: callerWith(accessToken), input, signal, idempotencyKey: null };
      const stream = (await kernel.kernel.execute(call)) as AsyncIterable<Item<never>>;
      const items: Item<never>[] = [];
      const reading = (async () => {
        for await (const item of stream) items.push(item);
      })();
      reading.catch(() => {});
      return {
        items,
        async atLeast(count) {
          await until(() => items.length >= count).catch(() => {
            throw new Error(`${items.length} of ${count} items came: ${JSON.stringify(items)}`);
          });
          return items;
        },
        end: () => controller.abort(),
      };
    },
    async close() {
      await parts.consumers.stop();
      await events.stop();
      await kernel.close();
    },
  };
}
