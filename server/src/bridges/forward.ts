import { NotNow, type Consumer } from '../events/consumers/consumer.ts';
import { toCloudEvent } from './cloud-event.ts';
import type { Link } from './link.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { BridgeSettings } from './settings.ts';

export interface Forwarding {
  readonly name: string;
  readonly events: Pick<NonNullable<BridgeSettings['events']>, 'types' | 'tenants'>;
  readonly link: Link;
  readonly metrics: BridgeMetrics;
}

/** Publishes events. While the broker is away they wait in the log, and other processes may reach it. */
export function forwardingConsumer({ name, events: { types, tenants }, link, metrics }: Forwarding): Consumer {
  const chosen = tenants && new Set(tenants);
  return {
    name: `bridge-${name}`,
    types,
    // A broker that refuses an event may have been set up wrongly, which people need hours to see and mend.
    retry: { attempts: 20, firstMs: 1000, maxMs: 900_000 },
    concurrency: 64,
    ready: () => link.session()?.ready === true,
    async handle(event) {
      if (chosen && !chosen.has(event.tenantId)) return;
      const session = link.session();
      if (!session?.ready) throw new NotNow();
      try {
        await session.publish(toCloudEvent(event));
        metrics.published(name, 'confirmed');
      } catch (error) {
        metrics.published(name, 'failed');
        throw error;
      }
    },
  };
}
