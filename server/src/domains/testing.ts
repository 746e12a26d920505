import { contracts, type ContractTree, type InputOf, type Session } from '@olympus/contracts';
import { openDatabase, type Database } from '@olympus/database';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditTrail } from '../audit/trail.ts';
import type { Caller } from '../kernel/context.ts';
import { createKernel, type Kernel } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import { bind, type Handlers, type Procedure } from '../kernel/implement.ts';
import type { Clock } from '../platform/clock.ts';
import { randomIds, type Ids } from '../platform/ids.ts';
import { loadKeys } from '../platform/keys.ts';
import { createLogger } from '../platform/logger.ts';
import { createQueryCache } from '../platform/query-cache.ts';
import { createRateLimiter, noRateLimits } from '../platform/rate-limiter.ts';
import { loadSecrets } from '../platform/secrets.ts';
import { createAuth, type Auth, type AuthOptions } from './auth/index.ts';
import type { Letter } from './auth/letter.ts';
import { createCursors, type Cursors } from './cursors.ts';
import type { ProductImages } from './products/images.ts';

export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}
export interface TestDependencies {
  readonly database: Database;
  readonly auth: Auth;
  /** What `auth` is made of, for another process over the same database. */
  readonly authOptions: AuthOptions;
  readonly cursors: Cursors;
  readonly clock: TestClock;
  readonly ids: Ids;
  /** What was posted, in order; nothing sends it. */
  readonly letters: Letter[];
}

/** A kernel over a database of its own, without transports. */
export interface TestKernel extends TestDependencies {
  readonly kernel: Kernel;
  call<T = unknown>(path: string, input?: unknown, caller?: { token?: string; key?: string }): Promise<T>;
  /** The code and data of the failure that a call ends with. */
  refusal(
    path: string,
    input?: unknown,
    caller?: { token?: string; key?: string },
  ): Promise<{ code: string; data: unknown }>;
  /** Opens a tenant of its own. */
  register(overrides?: Partial<InputOf<(typeof contracts.auth.register)['def']>>): Promise<Session>;
  close(): Promise<void>;
}

export interface TestKernelOptions {
  /** A PostgreSQL server where a database may be made; without it the embedded database is used. */
  readonly databaseUrl: string | undefined;
  readonly registration?: 'open' | 'closed';
  readonly requireVerifiedEmail?: boolean;
  readonly failuresPerAddress?: number;
  /** Little unless said otherwise: tests sign in thousands of times. */
  readonly passwordKib?: number;
  /** Procedures beside those of `auth`. */
  readonly procedures?: (deps: TestDependencies) => Procedure[];
}

/** Products whose images are no part of a test. */
export const withoutImages: ProductImages = {
  shown: (_, product) => product,
  shownIn: (follow) => follow,
  getImage: () => Promise.reject(new Error('not part of these tests')),
  setImage: () => Promise.reject(new Error('not part of these tests')),
  removeImage: () => Promise.reject(new Error('not part of these tests')),
};

/** Streams that are no part of a test. */
export const nobodyFollows = (): never => {
  throw new Error('not part of these tests');
};

/** Procedures of a tree by their handlers, under the tree's name. */
export const procedures = <T extends ContractTree>(
  name: string,
  tree: T,
  handlers: Handlers<NoInfer<T>>,
): Procedure[] => bind(tree, handlers, `${name}.`);

export async function startTestKernel(options: TestKernelOptions): Promise<TestKernel> {
  const { database, remove } = await openOwnDatabase(options.databaseUrl);
  const clock = createClock();
  const ids = randomIds;
  const keys = await loadKeys(database, clock, ids);
  const config = {
    registration: options.registration ?? 'open',
    issuer: 'olympus',
    accessTokenSeconds: 900,
    refreshTokenDays: 30,
    requireVerifiedEmail: options.requireVerifiedEmail ?? false,
    failuresPerAddress: options.failuresPerAddress ?? 1e6,
    passwordKib: options.passwordKib ?? 1024,
  };
  const cursors = createCursors(keys.cursorSecret);
  const secrets = await loadSecrets(database, clock, ids);
  const letters: Letter[] = [];
  const post = async (_: unknown, letter: Letter) => void letters.push(letter);
  const log = createLogger({ level: 'silent', destination: { write() {} } });
  const authOptions: AuthOptions = { database, keys, secrets, cursors, post, clock, ids, log, config };
  const auth = createAuth(authOptions);
  auth.changes.start();
  const deps = { database, auth, authOptions, cursors, clock, ids, letters };
  const kernel = createKernel(
    {
      database,
      clock,
      ids,
      authenticator: auth.authenticator,
      limiter: createRateLimiter({ limits: noRateLimits }),
      cache: createQueryCache(),
      audit: createAuditTrail({ database, clock, ids, log }),
      telemetry: { observe() {} },
      log,
      limits: { deadlineMs: 20_000, maxInFlight: 1000 },
    },
    [...procedures('auth', contracts.auth, auth.handlers), ...(options.procedures?.(deps) ?? [])],
  );

  const call: TestKernel['call'] = async (path, input, { token, key } = {}) => {
    const procedure = kernel.byPath.get(path);
    if (!procedure) throw new Error(`no procedure ${path}`);
    const caller = callerWith(token ?? null);
    return (await kernel.execute({
      procedure,
      caller,
      input,
      signal: new AbortController().signal,
      idempotencyKey: key ?? null,
    })) as never;
  };
  return {
    ...deps,
    kernel,
    call,
    async refusal(path, input, caller) {
      try {
        await call(path, input, caller);
      } catch (error) {
        if (error instanceof Failure) return { code: error.code, data: error.data };
        throw error;
      }
      throw new Error(`${path} succeeded`);
    },
    register(overrides) {
      const email = `owner-${randomUUID()}@shop.test`;
      const input = { tenant: 'A shop', name: 'Olive Owner', email, password: 'correct horse battery', ...overrides };
      return call<Session>('auth.register', input);
    },
    async close() {
      await auth.changes.stop();
      await database.close();
      await remove();
    },
  };
}

export const callerWith = (credential: string | null): Caller => ({
  protocol: 'rest',
  requestId: randomUUID(),
  traceId: randomBytes(16).toString('hex'),
  address: '127.0.0.1',
  credential,
});

function createClock(): TestClock {
  let ahead = 0;
  return { now: () => new Date(Date.now() + ahead), advance: (milliseconds) => void (ahead += milliseconds) };
}

async function openOwnDatabase(url: string | undefined): Promise<{ database: Database; remove: () => Promise<void> }> {
  if (url === undefined) {
    const dataDir = await mkdtemp(join(tmpdir(), 'olympus-domain-'));
    return { database: await openDatabase({ dataDir }), remove: () => rm(dataDir, { recursive: true }) };
  }
  const name = `olympus_test_${randomBytes(8).toString('hex')}`;
  const admin = await openDatabase({ url, migrate: false });
  // The driver reserves only a connection that is open already.
  await admin.app.unsafe('select 1');
  const connection = await admin.app.reserve();
  await connection.unsafe('set role none');
  await connection.unsafe(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    database: await openDatabase({ url: own.href }),
    async remove() {
      await connection.unsafe(`drop database ${name} with (force)`);
      connection.release();
      await admin.close();
    },
  };
}
