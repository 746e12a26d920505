import type { Registry } from 'prom-client';
import type { Consumer } from '../events/consumers/consumer.ts';
import type { EventsLog } from '../events/trouble.ts';
import type { Kernel } from '../kernel/execute.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Connect, Intake } from './broker.ts';
import { createCommands, type Commands } from './carry-out.ts';
import { forwardingConsumer } from './forward.ts';
import { createLink, type Link, type LinkState } from './link.ts';
import { createBridgeMetrics, type BridgeMetrics } from './metrics.ts';
import type { BridgeSettings } from './settings.ts';

/** Brokers that events are forwarded to and commands are taken from. */
export interface Bridges {
  /** What forwards the events. */
  readonly consumers: readonly Consumer[];
  /** Each bridge by its name. */
  readonly states: () => Readonly<Record<string, LinkState>>;
  /** Begins to connect, and to take commands; waits for no broker. */
  start(kernel: Pick<Kernel, 'byPath' | 'execute'>): void;
  /** Takes no further command, settles those that run, and closes the connections. */
  stop(): Promise<void>;
}

export interface BridgesOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  readonly random?: () => number;
}

/** Clients of brokers are loaded where one is configured. */
const connectTo =
  (settings: BridgeSettings): Connect =>
  async () => {
    if (settings.broker === 'rabbitmq') return (await import('./brokers/rabbitmq.ts')).connectRabbitMq(settings);
    if (settings.broker === 'nats') return (await import('./brokers/nats.ts')).connectNats(settings);
    return (await import('./brokers/kafka.ts')).connectKafka(settings);
  };

interface Bridge {
  readonly name: string;
  readonly link: Link;
  readonly consumer: Consumer | null;
  begin(kernel: Pick<Kernel, 'byPath' | 'execute'>): void;
  end(): Promise<void>;
}

export function createBridges(all: readonly BridgeSettings[], options: BridgesOptions): Bridges {
  const states = () => Object.fromEntries(bridges.map(({ name, link }) => [name, link.state]));
  const metrics = createBridgeMetrics(options.registry, states);
  const bridges = all.map((settings) => createBridge(settings, options, metrics));
  return {
    consumers: bridges.flatMap(({ consumer }) => consumer ?? []),
    states,
    start(kernel) {
      for (const bridge of bridges) bridge.begin(kernel);
    },
    async stop() {
      await Promise.all(bridges.map((bridge) => bridge.end()));
    },
  };
}

function createBridge(settings: BridgeSettings, options: BridgesOptions, metrics: BridgeMetrics): Bridge {
  const { name, broker: protocol, events, commands: taken } = settings;
  let commands: Commands | null = null;
  let intake: Intake | null = null;
  const link = createLink({
    ...options,
    name,
    connect: connectTo(settings),
    async onOpen(session) {
      const carrying = commands;
      if (carrying) intake = await session.take((command) => carrying.handle(command));
    },
    async onClose() {
      intake = null;
    },
  });
  return {
    name,
    link,
    consumer: events ? forwardingConsumer({ name, events, link, metrics }) : null,
    begin(kernel) {
      if (taken) commands = createCommands({ ...options, name, protocol, settings: taken, kernel, metrics });
      link.start();
    },
    async end() {
      await intake?.stop().catch(() => undefined);
      await commands?.stop();
      await link.stop();
    },
  };
}
