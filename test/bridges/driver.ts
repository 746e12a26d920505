import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { CommandSettings } from '@olympus/server/bridges/settings.ts';

/** A message as a stock client of the broker reads it. */
export interface Received {
  /** Where it was published: routing key, subject or topic. */
  readonly to: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Sent {
  readonly id?: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether its sender waits for an answer. */
  readonly answered?: boolean;
}

/** A broker as those on the other side see it, with places of the suite's own. */
export interface BrokerDriver {
  /** What a bridge to it is configured as, with what the test adds. */
  settings(choice: {
    name?: string;
    types?: string[];
    tenants?: string[];
    commands?: Partial<CommandSettings> | null;
  }): object;
  /** The prefix of attributes of CloudEvents. */
  readonly prefix: string;
  /** Everything that has come, in order. */
  readonly events: readonly Received[];
  readonly answers: readonly Received[];
  readonly dead: readonly Received[];
  send(command: Sent): Promise<void>;
  /** Commands that nobody has settled. */
  waiting(): Promise<number>;
  /** Listens to what a bridge that has come up has made. */
  listen(): Promise<void>;
  /** Removes what was made. */
  close(): Promise<void>;
}

export const ownName = (): string => `olympus_test_${randomBytes(5).toString('hex')}`;

/** Whether a broker answers; where CI has named one it must. */
export async function answers(name: string, url: string, variable: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const found = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.setTimeout(2000, () => resolve(false));
    void socket.once('close', () => undefined);
    setTimeout(() => socket.destroy(), 2500).unref();
  });
  if (!found && process.env['CI'] === 'true' && process.env[variable] !== undefined)
    throw new Error(`${name} does not answer at ${variable}`);
  if (!found) console.warn(`${name} does not answer at ${hostname}:${port}: its tests are skipped`);
  return found;
}

export const amqpUrl = process.env['TEST_AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
export const natsUrl = process.env['TEST_NATS_URL'] ?? 'nats://127.0.0.1:4222';
/** No broker of Kafka is looked for where none is named. */
export const kafkaBrokers = process.env['TEST_KAFKA_BROKERS']?.split(',') ?? [];
