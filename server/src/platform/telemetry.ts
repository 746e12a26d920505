import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Telemetry } from '../kernel/steps/trace.ts';

export interface PoolFigures {
  readonly size: number;
  readonly inUse: number;
  readonly waiting: number;
}

export interface TelemetryOptions {
  /** Connections of each database pool, by its name; asked when metrics are read. */
  readonly pools?: () => Readonly<Record<string, PoolFigures>>;
}

export interface Metrics extends Telemetry {
  /** How many sockets of a protocol are open now. */
  setOpenSockets(protocol: string, count: number): void;
  /** The text to answer `/metrics` with, and its media type. */
  metrics(): Promise<string>;
  readonly contentType: string;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Prometheus metrics of this process: calls, errors, sockets, pools, event-loop lag and what Node tells of itself. */
export function createTelemetry({ pools }: TelemetryOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'olympus_call_duration_seconds',
    help: 'Duration of calls; of a stream, until it ends',
    labelNames: ['procedure', 'protocol'],
    buckets: seconds,
    registers,
  });
  const errors = new Counter({
    name: 'olympus_call_errors_total',
    help: 'Calls that failed, by error code',
    labelNames: ['procedure', 'protocol', 'code'],
    registers,
  });
  const sockets = new Gauge({
    name: 'olympus_open_sockets',
    help: 'Open connections of long life',
    labelNames: ['protocol'],
    registers,
  });
  if (pools) measurePools(registry, pools);

  // Finding a child by its labels costs a hash each time; there are as many as procedures times protocols.
  const known = new Map<string, Histogram.Internal<'procedure' | 'protocol'>>();
  return {
    observe({ procedure, protocol, code, seconds }) {
      const name = `${protocol} ${procedure}`;
      let duration = known.get(name);
      if (!duration) known.set(name, (duration = durations.labels({ procedure, protocol })));
      duration.observe(seconds);
      if (code !== 'OK') errors.inc({ procedure, protocol, code });
    },
    setOpenSockets: (protocol, count) => sockets.set({ protocol }, count),
    metrics: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function measurePools(registry: Registry, pools: () => Readonly<Record<string, PoolFigures>>): void {
  const gauge = new Gauge({
    name: 'olympus_database_connections',
    help: 'Connections to the database by pool: its size, those in use, and calls that wait for one',
    labelNames: ['pool', 'state'],
    registers: [registry],
    collect() {
      for (const [pool, { size, inUse, waiting }] of Object.entries(pools())) {
        gauge.set({ pool, state: 'size' }, size);
        gauge.set({ pool, state: 'in_use' }, inUse);
        gauge.set({ pool, state: 'waiting' }, waiting);
      }
    },
  });
}
