import type { Duplex } from 'node:stream';
import { MessageChannel, type Worker } from 'node:worker_threads';
import type { DatabaseLog } from '../types.ts';
import { Channel } from './channel.ts';
import { launch } from './launch.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { Pulse } from './pulse.ts';

const watchMs = 100;
const closeMs = 10_000;
const maxFailures = 3;

interface Running {
  worker: Worker;
  pulse: Pulse;
  ready: Promise<void>;
  exited: Promise<void>;
}

/** Keeps a worker running on `folder`: one that dies, or that a statement holds over its limit, is replaced. */
export class Host {
  private readonly folder: string;
  private readonly log: DatabaseLog;
  private readonly channels = new Set<Channel>();
  private readonly watch: NodeJS.Timeout;
  private running: Running;
  /** Workers in a row that never became ready. */
  private failures = 0;
  private closing = false;

  constructor(folder: string, log: DatabaseLog) {
    this.folder = folder;
    this.log = log;
    this.running = this.spawn();
    this.watch = this.startWatchdog();
  }

  get ready(): Promise<void> {
    return this.running.ready;
  }

  /** A socket to the worker, at once: what is written before the worker is there waits. */
  connect(): Duplex {
    const channel = new Channel();
    this.channels.add(channel);
    channel.once('close', () => this.channels.delete(channel));
    void this.attach(channel, this.running);
    return channel;
  }

  private async attach(channel: Channel, { worker, ready }: Running): Promise<void> {
    try {
      await ready;
    } catch (error) {
      channel.destroy(unavailable(String(error)));
      return;
    }
    const { port1, port2 } = new MessageChannel();
    channel.attach(port1);
    worker.postMessage({ type: 'connect', port: port2, credit: channel.credit.memory } satisfies ToWorker, [port2]);
  }

  async close(): Promise<void> {
    this.closing = true;
    clearInterval(this.watch);
    const { worker, exited } = this.running;
    const bound = setTimeout(() => void worker.terminate(), closeMs);
    worker.postMessage({ type: 'close' } satisfies ToWorker, []);
    await exited;
    clearTimeout(bound);
  }

  private spawn(): Running {
    const memory = Pulse.allocate();
    const worker = launch({ task: 'serve', folder: this.folder, pulse: memory });
    let done!: () => void;
    let fail!: (error: Error) => void;
    const ready = new Promise<void>((resolve, reject) => {
      done = resolve;
      fail = reject;
    });
    ready.catch(() => {});
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'failed') {
        fail(new Error(`the embedded database in ${this.folder} did not start: ${message.message}`));
        return;
      }
      this.failures = 0;
      done();
    });
    worker.on('error', fail);
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', (code) => {
        fail(new Error(`the embedded database in ${this.folder} ended with code ${code}`));
        resolve();
        this.ended();
      });
    });
    return { worker, pulse: new Pulse(memory), ready, exited };
  }

  private ended(): void {
    for (const channel of this.channels) channel.destroy(unavailable('the embedded database ended'));
    if (this.closing) return;
    this.failures++;
    if (this.failures > maxFailures) {
      this.log.error({ folder: this.folder }, 'the embedded database does not start any more');
      return;
    }
    this.log.warn({ folder: this.folder }, 'the embedded database ended and is started again');
    this.running = this.spawn();
  }

  /** Counts ticks, not time: after the machine slept, a statement is not late. */
  private startWatchdog(): NodeJS.Timeout {
    let seen = 0;
    let ticks = 0;
    const watch = setInterval(() => {
      const { worker, pulse } = this.running;
      const { beat, limitMs } = pulse.read();
      ticks = beat % 2 !== 0 && beat === seen ? ticks + 1 : 0;
      seen = beat;
      if (limitMs === 0 || ticks * watchMs <= limitMs) return;
      ticks = 0;
      this.log.error({ limitMs }, 'a statement was over its limit: the embedded database restarts');
      void worker.terminate();
    }, watchMs);
    return watch.unref();
  }
}

/** 57P01: the server shuts down, which callers know as a passing state. */
function unavailable(message: string): Error {
  return Object.assign(new Error(message), { code: '57P01' });
}
