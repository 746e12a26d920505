import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import type { Duplex } from 'node:stream';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { DatabaseLog } from '../types.ts';
import { Channel } from './channel.ts';
import { lockFolder } from './lock.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { Pulse } from './pulse.ts';

export interface EmbeddedOptions {
  dataDir: string;
  log: DatabaseLog;
}

export interface Embedded {
  socket: () => Duplex;
  close(): Promise<void>;
}

const sharedBuffers = '16MB';
const watchMs = 100;
const closeMs = 10_000;

/**
 * Starts the embedded database on `dataDir`, which it makes, and keeps it running: a worker that dies, or that the
 * watchdog ends because a statement is over its limit, is replaced. Throws `DataFolderInUse` when another process is on it.
 */
export async function startEmbedded({ dataDir, log }: EmbeddedOptions): Promise<Embedded> {
  const folder = resolve(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const lock = await lockFolder(folder);
  const host = new Host(join(folder, 'data'), log);
  try {
    await host.ready;
  } catch (error) {
    await host.close();
    await lock.release();
    throw error;
  }
  return {
    socket: () => host.connect(),
    async close() {
      await host.close();
      await lock.release();
    },
  };
}

interface Running {
  worker: Worker;
  pulse: Pulse;
  ready: Promise<void>;
}

class Host {
  private readonly folder: string;
  private readonly log: DatabaseLog;
  private readonly channels = new Set<Channel>();
  private readonly watch: NodeJS.Timeout;
  private running: Running;
  private failures = 0;
  private closing = false;

  constructor(folder: string, log: DatabaseLog) {
    this.folder = folder;
    this.log = log;
    this.running = this.spawn();
    this.watch = watchdog(() => this.running, log);
  }

  get ready(): Promise<void> {
    return this.running.ready;
  }

  connect(): Duplex {
    const channel = new Channel();
    this.channels.add(channel);
    channel.once('close', () => this.channels.delete(channel));
    const { worker, pulse, ready } = this.running;
    ready.then(
      () => {
        const { port1, port2 } = new MessageChannel();
        channel.attach(port1, pulse);
        worker.postMessage({ type: 'connect', port: port2 } satisfies ToWorker, [port2]);
      },
      (error: unknown) => channel.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return channel;
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    clearInterval(this.watch);
    const { worker } = this.running;
    const gone = new Promise((done) => worker.once('exit', done));
    const bound = setTimeout(() => void worker.terminate(), closeMs);
    worker.postMessage({ type: 'close' } satisfies ToWorker);
    if (worker.threadId !== -1) await gone;
    clearTimeout(bound);
    for (const channel of this.channels) channel.destroy();
  }

  private spawn(): Running {
    const memory = Pulse.allocate();
    const workerData: WorkerSettings = { folder: this.folder, imageCache: imageCache(), sharedBuffers, pulse: memory };
    const worker = new Worker(workerFile(), { workerData, execArgv: [], name: 'olympus-embedded' });
    const ready = new Promise<void>((done, fail) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'failed') fail(new Error(`the embedded database in ${this.folder} did not start: ${message.message}`));
        else {
          this.failures = 0;
          done();
        }
      });
      worker.on('error', fail);
      worker.once('exit', (code) => {
        fail(new Error(`the embedded database ended with code ${code}`));
        this.ended();
      });
    });
    ready.catch(() => {});
    return { worker, pulse: new Pulse(memory), ready };
  }

  private ended(): void {
    for (const channel of this.channels) channel.destroy(Object.assign(new Error('the embedded database restarts'), { code: '57P01' }));
    if (this.closing) return;
    this.failures++;
    if (this.failures > 3) {
      this.log.error({ folder: this.folder }, 'the embedded database keeps ending; giving up');
      return;
    }
    this.log.warn({ folder: this.folder }, 'the embedded database ended; starting it again');
    this.running = this.spawn();
  }
}

/** Counts ticks, not time: after the machine slept, a statement is not late. */
function watchdog(current: () => Running, log: DatabaseLog): NodeJS.Timeout {
  let seen = 0;
  let ticks = 0;
  const timer = setInterval(() => {
    const { worker, pulse } = current();
    const { beat, limitMs } = pulse.read();
    const runs = beat % 2 !== 0;
    ticks = runs && beat === seen ? ticks + 1 : 0;
    seen = beat;
    if (limitMs > 0 && ticks * watchMs > limitMs) {
      log.error({ limitMs }, 'a statement was over its limit; the embedded database restarts');
      ticks = 0;
      void worker.terminate();
    }
  }, watchMs);
  return timer.unref();
}

const here = import.meta.url;

function workerFile(): URL {
  return new URL(here.endsWith('.ts') ? './worker-from-source.mjs' : './worker.js', here);
}

/** Among the installed packages, named by the version that decides what an image holds. */
function imageCache(): string | undefined {
  try {
    const module = createRequire(here).resolve('@electric-sql/pglite');
    const { version } = JSON.parse(readFileSync(join(dirname(module), '..', 'package.json'), 'utf8')) as { version: string };
    const packages = module.slice(0, module.indexOf(`${sep}node_modules${sep}`));
    return join(packages, 'node_modules', '.cache', 'olympus', `embedded-${version}.tar`);
  } catch {
    return undefined;
  }
}
