import { createBridges, type Bridges } from '@olympus/server/bridges/bridges.ts';
import { Bridges as Settings } from '@olympus/server/bridges/settings.ts';
import { until } from '@olympus/server/events/testing/installation.ts';
import { createConsumers, type Consumers } from '@olympus/server/events/consumers/consumers.ts';
import { systemClock } from '@olympus/server/platform/clock.ts';
import { randomIds } from '@olympus/server/platform/ids.ts';
import { createTelemetry } from '@olympus/server/platform/telemetry.ts';
import type { Olympus } from '../harness.ts';

export interface Bridged extends Bridges {
  readonly consumers: never;
  metrics(): Promise<string>;
  /** Until every bridge is up. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** A bridge beside a running server, over its database and kernel; so it can be given a key that the server has made. */
export function bridge({ app: { database, kernel, log } }: Olympus, ...settings: object[]): Omit<Bridged, 'consumers'> {
  const telemetry = createTelemetry();
  const shared = { clock: systemClock, ids: randomIds, log };
  const bridges = createBridges(Settings.parse(settings), { ...shared, registry: telemetry.registry });
  const consumers: Consumers = createConsumers(bridges.consumers, { ...shared, database });
  bridges.start(kernel);
  consumers.start();
  // The server's own consumers are woken by events; these would look once a second.
  const waking = setInterval(consumers.wake, 25);
  return {
    ...bridges,
    metrics: () => telemetry.metrics(),
    up: () => until(() => Object.values(bridges.states()).every(({ status }) => status === 'up'), 10_000),
    async close() {
      clearInterval(waking);
      await consumers.stop();
      await bridges.stop();
    },
  };
}
