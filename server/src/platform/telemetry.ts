import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Telemetry } from '../kernel/steps/trace.ts';

export interface PoolFigures {
  readonly size: number;
  readonly inUse: number;
  readonly waiting: number;
}

export interface LogFigures {
  readonly bytes: number;
  readonly segments: number;
  readonly since: Date;
}

export interface QueueFigures {
  readonly queue: string;
  readonly waiting: number;
  readonly running: number;
  readonly oldestSeconds: number;
}

export interface TelemetryOptions {
  /** Connections of each database pool, by its name; asked when metrics are read. */
  readonly pools?: () => Readonly<Record<string, PoolFigures>>;
  /** The log of events as it lies on disk; asked when metrics are read. */
  readonly eventLog?: () => Promise<LogFigures>;
  /** How the queues of jobs stand; asked when metrics are read, which are told without them when it fails. */
  readonly queues?: () => Promise<readonly QueueFigures[]>;
}

export interface Metrics extends Telemetry {
  /** How many sockets of a protocol are open now. */
  setOpenSockets(protocol: string, count: number): void;
  /** The text to answer `/metrics` with, and its media type. */
  metrics(): Promise<string>;
  readonly contentType: string;
  /** Where parts of the program put figures of their own. */
  readonly registry: Registry;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Prometheus metrics of this process: calls, errors, sockets, pools, event-loop lag and what Node tells of itself. */
export function createTelemetry({ pools, eventLog, queues }: TelemetryOptions = {}): Metrics {
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
  const streams = new Gauge({
    name: 'olympus_open_streams',
    help: 'Subscriptions, streams and downloads that are open, of which a socket may have many',
    labelNames: ['procedure', 'protocol'],
    registers,
  });
  if (pools) measurePools(registry, pools);
  if (eventLog) measureLog(registry, eventLog);
  if (queues) measureQueues(registry, queues);

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
    countStreams: (about, by) => streams.inc({ ...about }, by),
    setOpenSockets: (protocol, count) => sockets.set({ protocol }, count),
    metrics: () => registry.metrics(),
    contentType: registry.contentType,
    registry,
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

/** The gauges of one scrape ask together; null where there is no answer. */
export function readTogether<T>(ask: () => Promise<T>): () => Promise<T | null> {
  let reading: Promise<T | null> | null = null;
  return () =>
    (reading ??= ask()
      .catch(() => null)
      .finally(() => {
        reading = null;
      }));
}

/** The same in every process, so take the greatest of them. While the database does not answer, what it said last. */
function measureLog(registry: Registry, eventLog: () => Promise<LogFigures>): void {
  const read = readTogether(eventLog);
  const measure = (name: string, help: string, figure: (figures: LogFigures) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const figures = await read();
        if (figures) this.set(figure(figures));
      },
    });
  measure('olympus_event_log_bytes', 'The log of events on disk, with its indexes', ({ bytes }) => bytes);
  measure('olympus_event_log_segments', 'Partitions of the log of events', ({ segments }) => segments);
  const seconds = ({ since }: LogFigures) => since.getTime() / 1000;
  measure('olympus_event_log_since_timestamp_seconds', 'When the oldest part that is kept was begun', seconds);
}

/** Of the whole installation, so each process tells the same. */
function measureQueues(registry: Registry, queues: () => Promise<readonly QueueFigures[]>): void {
  const read = readTogether(queues);
  const jobs = new Gauge({
    name: 'olympus_jobs',
    help: 'Jobs that wait or are run, in all processes',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      const figures = (await read()) ?? [];
      jobs.reset();
      for (const { queue, waiting, running } of figures) {
        jobs.set({ queue, state: 'waiting' }, waiting);
        jobs.set({ queue, state: 'running' }, running);
      }
    },
  });
  const age = new Gauge({
    name: 'olympus_job_oldest_seconds',
    help: 'For how long the oldest job that waits could have been run',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const figures = (await read()) ?? [];
      age.reset();
      for (const { queue, oldestSeconds } of figures) age.set({ queue }, oldestSeconds);
    },
  });
}
