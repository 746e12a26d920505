import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { Backend } from './backend.ts';
import { Gateway } from './gateway.ts';
import { loadImage } from './image.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { Pulse } from './pulse.ts';

const settings = workerData as WorkerSettings;
const pulse = new Pulse(settings.pulse);
const say = (message: FromWorker): void => parentPort?.postMessage(message);

/** The defaults of PGlite with less memory; its own default reserves 128 MB for buffers. */
const startParams = [...PGlite.defaultStartParams, '-c', `shared_buffers=${settings.sharedBuffers}`];

/** The folder holds a whole database only when this mark was written: a crash while it was filled must not leave half of one. */
const mark = join(settings.folder, 'OLYMPUS_READY');

async function open(): Promise<PGlite> {
  const options = { dataDir: settings.folder, extensions: { pg_trgm }, startParams };
  if (existsSync(mark)) return PGlite.create(options);
  rmSync(settings.folder, { recursive: true, force: true });
  mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
  const image = await loadImage(settings.imageCache);
  const db = await PGlite.create({ ...options, loadDataDir: image });
  chmodSync(settings.folder, 0o700);
  writeFileSync(mark, '');
  return db;
}

async function serve(db: PGlite): Promise<void> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name in ('server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'IntervalStyle', 'integer_datetimes', 'standard_conforming_strings', 'TimeZone')",
  );
  const parameters = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  const gateway = new Gateway((notify) => new Backend(db, pulse, notify), parameters);

  parentPort?.on('message', (message: ToWorker) => {
    if (message.type === 'connect') accept(gateway, message.port);
    else void db.close().finally(() => process.exit(0));
  });
  say({ type: 'ready' });
}

function accept(gateway: Gateway, port: MessagePort): void {
  const connection = gateway.attach({
    write(bytes) {
      const copy = new Uint8Array(bytes);
      pulse.sent(copy.length);
      port.postMessage(copy, [copy.buffer]);
    },
    end: () => port.close(),
  });
  port.on('message', (bytes: Uint8Array) => connection.receive(bytes));
  port.on('close', () => gateway.detach(connection));
}

try {
  await serve(await open());
} catch (error) {
  say({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
