import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SQL } from 'drizzle-orm';
import type postgres from 'postgres';
import { createClient, type ClientSettings } from './client.ts';
import type { Template } from './embedded/image.ts';
import { startEmbedded } from './embedded/start.ts';
import { isUnavailable } from './errors.ts';
import { Listener } from './listen.ts';
import { digestOfMigrations, prepareDatabase } from './migrate.ts';
import { Pool } from './pool.ts';
import { createQueries } from './queries.ts';
import { roles } from './roles.ts';
import { Session } from './session.ts';
import { compile } from './statement.ts';
import type { Database, DatabaseLog, DatabaseOptions } from './types.ts';

const drainMs = 5000;
const silent: DatabaseLog = { info() {}, warn() {}, error() {} };

const ownMigrations = fileURLToPath(new URL('../migrations', import.meta.url));

/** Where connections lead: a server over TCP, or the worker of the embedded database. */
interface Backend {
  kind: Database['kind'];
  url: string | undefined;
  socket: ClientSettings['socket'];
  close: () => Promise<void>;
}

/**
 * Connects, retrying while the server is not there yet, migrates, and answers when both pools may be used.
 * Throws when neither `url` nor `dataDir` is given, and `DataFolderInUse` when another process holds `dataDir`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const log = options.log ?? silent;
  const limits = readLimits(options);
  const migrationsFolder = options.migrationsFolder ?? ownMigrations;
  const connect = (
    { url, socket }: Pick<Backend, 'url' | 'socket'>,
    role: string | undefined,
    settings: Partial<ClientSettings> = {},
  ): postgres.Sql =>
    createClient({
      url,
      socket,
      connections: 1,
      connectTimeoutMs: limits.queryTimeoutMs,
      ...settings,
      connection: {
        ...(role === undefined ? {} : { role }),
        statement_timeout: String(limits.statementTimeoutMs),
        idle_in_transaction_session_timeout: String(limits.idleTransactionMs),
        // Compiling a plan takes longer than all but the longest statements here.
        jit: 'off',
        ...settings.connection,
      },
    });
  const prepareOn = (backend: Backend): Promise<void> =>
    prepare(() => connect(backend, undefined, { connection: { statement_timeout: '0' } }), {
      ...options,
      kind: backend.kind,
      migrationsFolder,
      log,
    });
  const migrated: Template = {
    key: digestOfMigrations(migrationsFolder),
    fill: (socket) => prepareOn({ kind: 'embedded', url: undefined, socket, close: async () => {} }),
  };
  // Those of somebody else are not worth an image of their own.
  const isOwn = options.migrate !== false && migrationsFolder === ownMigrations;
  const backend = await openBackend(options, log, isOwn ? migrated : undefined);
  const client = (role: string, settings?: Partial<ClientSettings>): postgres.Sql => connect(backend, role, settings);
  const pool = (role: string, size: number): Pool =>
    new Pool(({ track, onClose }) => client(role, { socket: (host) => track(backend.socket(host)), onClose }), {
      size,
      queryTimeoutMs: limits.queryTimeoutMs,
      stallTimeoutMs: limits.stallTimeoutMs,
    });

  try {
    await prepareOn(backend);
  } catch (error) {
    await backend.close();
    throw error;
  }

  const app = pool(roles.app, limits.poolSize);
  const system = pool(roles.system, limits.systemPoolSize);
  const plain = { app: client(roles.app, { connections: 2 }), system: client(roles.system, { connections: 2 }) };
  // The gateway of the embedded database learns of a LISTEN from its text, which a prepared one sends only once.
  const listener = new Listener(() => client(roles.system, { connection: { statement_timeout: '0' }, prepare: false }));
  let closing: Promise<void> | undefined;

  return {
    kind: backend.kind,
    ...plain,
    ...createQueries({ app, system, holdCursors: backend.kind === 'embedded' }),
    session() {
      const session = new Session(
        ({ track, onClose }) => client(roles.system, { socket: (host) => track(backend.socket(host)), onClose }),
        limits.queryTimeoutMs,
      );
      return {
        rows: async <R extends object>(statement: SQL) => (await session.run(compile(statement))).rows as R[],
        close: () => session.end(1),
      };
    },
    async ping() {
      await Promise.all([app, system].map((one) => one.use((session) => session.script('select 1'))));
    },
    stats: () => ({ app: app.stats(), system: system.stats() }),
    listen: (channel, onPayload, onListening) => listener.listen(channel, onPayload, onListening),
    close() {
      closing ??= (async () => {
        const ends = [plain.app, plain.system].map((sql) => sql.end({ timeout: drainMs / 1000 }).catch(() => {}));
        await Promise.all([app.close(drainMs), system.close(drainMs), listener.close(), ...ends]);
        await backend.close();
      })();
      return closing;
    },
  };
}

function readLimits(options: DatabaseOptions) {
  const embedded = options.url === undefined;
  const queryTimeoutMs = options.queryTimeoutMs ?? 10_000;
  return {
    poolSize: options.poolSize ?? (embedded ? 4 : 10),
    systemPoolSize: options.systemPoolSize ?? (embedded ? 2 : 4),
    queryTimeoutMs,
    // A statement that its caller has given up must not go on.
    statementTimeoutMs: Math.min(options.statementTimeoutMs ?? 30_000, queryTimeoutMs),
    stallTimeoutMs: options.stallTimeoutMs ?? (embedded ? queryTimeoutMs : 400),
    idleTransactionMs: options.idleTransactionMs ?? 30_000,
  };
}

async function openBackend(options: DatabaseOptions, log: DatabaseLog, template?: Template): Promise<Backend> {
  if (options.url !== undefined) {
    return { kind: 'postgres', url: options.url, socket: openTcp, close: async () => {} };
  }
  if (options.dataDir === undefined) throw new TypeError('openDatabase needs a url or a dataDir');
  const embedded = await startEmbedded(options.dataDir, log, template);
  return { kind: 'embedded', url: undefined, socket: embedded.socket, close: embedded.close };
}

type Preparation = DatabaseOptions & { kind: Database['kind']; migrationsFolder: string; log: DatabaseLog };

/** Retries until `connectTimeoutMs` is over, waiting longer each time; the jitter keeps many processes apart. */
async function prepare(
  connect: () => postgres.Sql,
  { kind, migrate, migrationsFolder: folder, connectTimeoutMs, log }: Preparation,
): Promise<void> {
  const until = performance.now() + (connectTimeoutMs ?? 60_000);
  for (let attempt = 0; ; attempt++) {
    const sql = connect();
    try {
      await sql`select 1`;
      if (migrate !== false) await prepareDatabase(sql, { folder, locked: kind === 'postgres', log });
      return;
    } catch (error) {
      const wait = Math.min(100 * 2 ** attempt, 2000) * (0.5 + Math.random());
      if (!isUnavailable(error) || performance.now() + wait > until) throw error;
      log.warn({ error: String(error), attempt }, 'the database is not there yet');
      await sleep(wait);
    } finally {
      await sql.end({ timeout: 1 }).catch(() => {});
    }
  }
}

let turn = 0;

function openTcp({ host, port, path }: Parameters<ClientSettings['socket']>[0]): Duplex {
  if (path) return connectTcp({ path });
  const at = turn++ % host.length;
  const target = { host: host[at] ?? 'localhost', port: port[at] ?? 5432 };
  // The driver reads `host` back as the server name of TLS.
  return Object.assign(connectTcp(target).setNoDelay(true), target);
}
