import { Counter, Gauge, type Registry } from 'prom-client';
import type { LinkState } from './link.ts';

/** What bridges count. */
export interface BridgeMetrics {
  published(bridge: string, outcome: 'confirmed' | 'failed'): void;
  command(bridge: string, outcome: 'done' | 'buried' | 'retried'): void;
}

/** `states` is asked when metrics are read. */
export function createBridgeMetrics(
  registry: Registry,
  states: () => Readonly<Record<string, LinkState>>,
): BridgeMetrics {
  const registers = [registry];
  const published = new Counter({
    name: 'olympus_bridge_events_total',
    help: 'Events that were published to a broker, by bridge and outcome',
    labelNames: ['bridge', 'outcome'],
    registers,
  });
  const commands = new Counter({
    name: 'olympus_bridge_commands_total',
    help: 'Commands that came from a broker, by bridge and outcome; each retry counts',
    labelNames: ['bridge', 'outcome'],
    registers,
  });
  const up = new Gauge({
    name: 'olympus_bridge_up',
    help: 'Whether a bridge is connected to its broker',
    labelNames: ['bridge'],
    registers,
    collect() {
      for (const [bridge, { status }] of Object.entries(states())) up.set({ bridge }, status === 'up' ? 1 : 0);
    },
  });
  return {
    published: (bridge, outcome) => published.inc({ bridge, outcome }),
    command: (bridge, outcome) => commands.inc({ bridge, outcome }),
  };
}
