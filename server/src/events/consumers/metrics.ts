import { Gauge, type Registry } from 'prom-client';
import { readTogether } from '../../platform/telemetry.ts';
import type { Standing } from './standing.ts';

/** Tells how consumers stand in all tenants. Of the whole installation, so each process tells the same. */
export function measureConsumers(registry: Registry, ask: () => Promise<readonly Standing[]>): void {
  const read = readTogether(ask);
  const measure = (name: string, help: string, figure: (standing: Standing) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['consumer'],
      registers: [registry],
      async collect() {
        const standings = (await read()) ?? [];
        this.reset();
        for (const standing of standings) this.set({ consumer: standing.consumer }, figure(standing));
      },
    });
  measure('olympus_consumer_behind', 'Events that a consumer has not come to', ({ behind }) => behind);
  measure('olympus_consumer_oldest_seconds', 'For how long the oldest of them has waited', ({ since }) =>
    since ? Math.max(0, (Date.now() - since.getTime()) / 1000) : 0,
  );
  measure('olympus_dead_letters', 'Events that a consumer has given up', ({ dead }) => dead);
  measure('olympus_consumer_retrying', 'Events that a consumer will be given again', ({ retrying }) => retrying);
}
