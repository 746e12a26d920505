import { commonErrors, mutation, query, subscription } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../platform/clock.ts';
import { randomIds } from '../platform/ids.ts';
import { createQueryCache } from '../platform/query-cache.ts';
import type { Caller, Principal } from './context.ts';
import { createKernel, type Invocation } from './execute.ts';
import { Failure } from './failure.ts';
import { bind, implement } from './implement.ts';

const common = { summary: 's', access: 'products:read' } as const;
const contracts = {
  greet: query({
    ...common,
    operationId: 'greet',
    rest: 'GET /greet',
    input: z.strictObject({ name: z.string().min(2), style: z.enum(['plain', 'loud']).default('plain') }),
    output: z.object({ text: z.string() }),
  }),
  hidden: query({ ...common, operationId: 'hidden', rest: 'GET /hidden', output: z.object({ shown: z.string() }) }),
  broken: query({ ...common, operationId: 'broken', rest: 'GET /broken', output: z.null() }),
  slow: query({ ...common, operationId: 'slow', rest: 'GET /slow', output: z.null() }),
  cached: query({
    ...common,
    operationId: 'cached',
    rest: 'GET /cached',
    cache: { ttl: 60, tags: ['orders'] },
    output: z.object({ count: z.int() }),
  }),
  open: query({ ...common, access: 'public', operationId: 'open', rest: 'GET /open', output: z.boolean() }),
  write: mutation({
    ...common,
    operationId: 'write',
    rest: 'POST /write',
    output: z.object({ inTransaction: z.boolean() }),
  }),
  count: subscription({ ...common, operationId: 'count', rest: 'GET /count', tracked: true, output: z.int() }),
};

function setUp({ deadlineMs = 1000, maxInFlight = 10, allowed = true, spent = false } = {}) {
  const log: Record<string, unknown>[] = [];
  const observed: { procedure: string; code: string }[] = [];
  const entered: string[] = [];
  let computed = 0;
  const database = {
    tenant: (tenantId: string) => ({ tenantId }),
    transaction: (tenantId: string, work: (db: object) => unknown) =>
      Promise.resolve(work({ tenantId, transaction: true })),
  } as unknown as Database;
  const principal: Principal = {
    userId: 'u1',
    tenantId: 't1',
    role: 'viewer',
    permissions: new Set(['products:read']),
    sessionId: 's1',
    apiKeyId: null,
    callsPerSecond: null,
    locationIds: null,
    actor: null,
    expiresAt: Date.now() + 60_000,
    timeZone: 'UTC',
    currency: 'GBP',
  };
  const handlers = implement(contracts, {
    greet: async ({ input }) => ({ text: `${input.style} ${input.name}` }),
    hidden: async () => ({ shown: 'yes', passwordHash: 'no' }),
    broken: async () => {
      throw new Error('select secret from vault');
    },
    slow: () => new Promise(() => {}),
    cached: async () => ({ count: ++computed }),
    open: async ({ ctx }) => ctx.principal === null,
    // What is taken off the context works as well as on it.
    write: async ({ ctx: { db, record, keepNoAnswer, transaction } }) => {
      record({ after: { id: 'w1' } });
      keepNoAnswer();
      return { inTransaction: 'transaction' in db && (await transaction(async (tx) => 'transaction' in tx.db)) };
    },
    async *count({ ctx }) {
      for (let n = 1; !ctx.signal.aborted && n <= 3; n++) yield { id: String(n), data: n };
    },
  });
  const kernel = createKernel(
    {
      database,
      authenticator: {
        identify: async ({ credential }) => {
          entered.push('authenticate');
          if (credential === 'bad') throw new Failure('UNAUTHENTICATED', null);
          return credential ? principal : null;
        },
      },
      limiter: {
        spent: () => (spent ? { policy: 'address', limit: 1, windowSeconds: 1, remaining: 0, resetSeconds: 9 } : null),
        take: async (demands) => {
          const policy = demands[0]?.policy ?? 'read';
          entered.push(`limit ${policy}`);
          return { allowed, state: { policy, limit: 1, windowSeconds: 1, remaining: 0, resetSeconds: 7 } };
        },
      },
      cache: createQueryCache(),
      audit: {
        succeeded() {},
        denied: async () => {},
        keptOut: async () => {},
        failed: async () => {},
      },
      telemetry: { observe: (call) => void observed.push(call) },
      log: pino(
        { level: 'info' },
        { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) },
      ),
      clock: systemClock,
      ids: randomIds,
      limits: { deadlineMs, maxInFlight },
    },
    bind(contracts, handlers),
  );
  const call = (
    path: keyof typeof contracts,
    input?: unknown,
    extra: Partial<Invocation> & { credential?: string | null } = {},
  ) => {
    const procedure = kernel.byPath.get(path);
    if (!procedure) throw new Error(path);
    const { credential = 'good', ...rest } = extra;
    const caller: Caller = { protocol: 'rest', requestId: 'r1', traceId: 'a'.repeat(32), address: '::1', credential };
    return kernel.execute({ procedure, caller, input, signal: new AbortController().signal, ...rest });
  };
  return { call, log, observed, entered, kernel };
}
const failure = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof Failure)) throw new Error(`no failure but ${String(error)}`);
  return error;
};

describe('the kernel', () => {
  it('runs a call through every step and fills in defaults', async () => {
    const { call, entered, observed, log } = setUp();
    expect(await call('greet', { name: 'Ada' })).toEqual({ text: 'plain Ada' });
    expect(entered).toEqual(['authenticate', 'limit read']);
    expect(observed).toMatchObject([{ procedure: 'greet', code: 'OK' }]);
    expect(log).toMatchObject([
      { requestId: 'r1', tenantId: 't1', userId: 'u1', procedure: 'greet', code: 'OK', protocol: 'rest' },
    ]);
    expect(log[0]?.['durationMs']).toBeTypeOf('number');
  });

  it('names every fault of an input, and the nearest known field', async () => {
    const { call } = setUp();
    const { code, data, message } = await failure(call('greet', { name: 'A', stile: 'loud' }));
    expect(code).toBe('INVALID_INPUT');
    expect(data).toMatchObject({
      issues: [
        { field: 'name', code: 'too_small' },
        { field: 'stile', code: 'unrecognized_keys', nearest: 'style' },
      ],
    });
    expect(message).toMatch(/^name: .*\(and 1 more\)$/);
  });

  it.each(['a\0b', 'half \ud800 pair'])('refuses text that could not be stored as it is: %j', async (name) => {
    const { call } = setUp();
    expect((await failure(call('greet', { name }))).data).toMatchObject({
      issues: [{ field: 'name', code: 'invalid_string' }],
    });
  });

  it('refuses input where a contract has none', async () => {
    const { call } = setUp();
    expect((await failure(call('open', { a: 1 }, { credential: null }))).data).toMatchObject({
      issues: [{ field: 'a' }],
    });
  });

  it('lets nothing out that the contract does not describe', async () => {
    const { call } = setUp();
    expect(await call('hidden')).toEqual({ shown: 'yes' });
  });

  it('masks what is unexpected, and logs it whole', async () => {
    const { call, log } = setUp();
    const { code, message, data } = await failure(call('broken'));
    expect({ code, message, data }).toEqual({ code: 'INTERNAL', message: commonErrors.INTERNAL.title, data: null });
    expect(JSON.stringify(log)).toContain('select secret from vault');
  });

  it('asks for a credential and a permission, in this order', async () => {
    const { call, entered } = setUp();
    expect((await failure(call('hidden', undefined, { credential: null }))).code).toBe('UNAUTHENTICATED');
    expect((await failure(call('open', undefined, { credential: 'bad' }))).code).toBe('UNAUTHENTICATED');
    expect(await call('open', undefined, { credential: null })).toBe(true);
    // Who is refused has called all the same.
    expect(entered.filter((step) => step.startsWith('limit'))).toEqual([
      'limit address',
      'limit address',
      'limit read',
    ]);
  });

  it('counts before it validates, and tells when to come back', async () => {
    const { call } = setUp({ allowed: false });
    const notes = {};
    const error = await failure(call('greet', { wrong: 1 }, { notes }));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
    expect(error.message).toBe('1 reads of this caller in 1 s are used up; the next may come in 7 s');
    expect(notes).toMatchObject({ rateLimit: { policy: 'read', resetSeconds: 7 } });
  });

  it('does nothing for an address that has spent what it is given', async () => {
    const { call, entered } = setUp({ spent: true });
    expect(await failure(call('greet', { name: 'Ada' }))).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 9 });
    expect(entered).toEqual([]);
  });

  it('gives up on a call after its time', async () => {
    const { call } = setUp({ deadlineMs: 30 });
    expect((await failure(call('slow'))).code).toBe('DEADLINE_EXCEEDED');
  });

  it('does not start what its caller has left', async () => {
    const { call, entered } = setUp();
    expect((await failure(call('hidden', undefined, { signal: AbortSignal.abort() }))).code).toBe('CANCELLED');
    expect(entered).toEqual([]);
  });

  it('sheds load beyond what it can hold', async () => {
    const { call } = setUp({ maxInFlight: 1, deadlineMs: 50 });
    const held = failure(call('slow'));
    expect((await failure(call('hidden'))).code).toBe('UNAVAILABLE');
    expect((await held).code).toBe('DEADLINE_EXCEEDED');
  });

  it('gives a mutation its transaction, and keeps the answers of a query', async () => {
    const { call } = setUp();
    expect(await call('write')).toEqual({ inTransaction: true });
    expect(await call('cached')).toEqual({ count: 1 });
    expect(await call('cached')).toEqual({ count: 1 });
  });

  it('streams items with their ids, and logs a stream once, when it ends', async () => {
    const { call, log } = setUp();
    const items = (await call('count')) as AsyncIterable<unknown>;
    expect(log).toHaveLength(0);
    const seen: unknown[] = [];
    for await (const item of items) seen.push(item);
    expect(seen).toEqual([
      { id: '1', data: 1 },
      { id: '2', data: 2 },
      { id: '3', data: 3 },
    ]);
    expect(log).toHaveLength(1);
  });

  it('refuses to start without a handler', () => {
    expect(() => bind(contracts, {} as never)).toThrow('greet has no handler');
  });
});
