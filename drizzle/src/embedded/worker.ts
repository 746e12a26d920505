import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { Backend } from './backend.ts';
import { Credit } from './credit.ts';
import { Gateway } from './gateway.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { Pulse } from './pulse.ts';

type Serving = Extract<WorkerSettings, { task: 'serve' }>;

const say = (message: FromWorker): void => parentPort?.postMessage(message, []);

/** The default takes 128 MB for buffers; what is read often stays in the system's cache as well. */
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB'];

/** What a server tells a client at the start. */
const reported =
  "'server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'IntervalStyle', 'integer_datetimes', " +
  "'standard_conforming_strings', 'TimeZone'";

async function create(folder: string): Promise<void> {
  const db = await PGlite.create({ dataDir: folder, initDbStartParams: ['--no-sync'], startParams });
  await db.close();
}

async function serve(settings: Serving): Promise<void> {
  const db = await PGlite.create({ dataDir: settings.folder, extensions: { pg_trgm }, startParams });
  const { rows } = await db.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in (${reported})`,
  );
  const parameters = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  const pulse = new Pulse(settings.pulse);
  const gateway = new Gateway((notify) => new Backend(db, pulse, notify), parameters);

  parentPort?.on('message', (message: ToWorker) => {
    if (message.type === 'connect') accept(gateway, message.port, new Credit(message.credit));
    else void db.close().finally(() => process.exit(0));
  });
  say({ type: 'ready' });
}

function accept(gateway: Gateway, port: MessagePort, credit: Credit): void {
  const connection = gateway.attach({
    write(bytes) {
      const copy = new Uint8Array(bytes);
      credit.spend(copy.length);
      port.postMessage(copy, [copy.buffer]);
    },
    end: () => port.close(),
  });
  port.on('message', (bytes: Uint8Array) => connection.receive(bytes));
  port.on('close', () => gateway.detach(connection));
}

const settings = workerData as WorkerSettings;
try {
  if (settings.task === 'serve') await serve(settings);
  else await create(settings.folder);
} catch (error) {
  say({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
