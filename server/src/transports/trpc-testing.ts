import { errors, mutation, permissionsOf, query, subscription, type Role } from '@olympus/contracts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { z } from 'zod';
import type { Principal } from '../kernel/context.ts';
import { createKernel, type Invocation, type Kernel, type KernelDependencies } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import { bind, implement } from '../kernel/implement.ts';
import { createDepartures } from './departures.ts';
import type { TrpcLimits } from './trpc-limits.ts';
import { trpcHttp } from './trpc-http.ts';
import { createRouter } from './trpc-router.ts';
import { trpcWs } from './trpc-ws.ts';

const Note = z.object({
  id: z.uuid(),
  text: z.string(),
  tags: z.array(z.string()),
  writtenAt: z.date(),
  readAt: z.date().nullable(),
});
const common = { summary: 'A note', access: 'products:read' } as const;

/** A small API for the tests of the tRPC protocols: a procedure for each thing that they must carry. */
export const noteContracts = {
  ping: query({ ...common, operationId: 'ping', rest: 'GET /ping', access: 'public', output: z.string() }),
  wait: query({
    ...common,
    operationId: 'wait',
    rest: 'GET /wait',
    access: 'public',
    input: z.strictObject({ ms: z.int() }),
    output: z.string(),
  }),
  notes: {
    list: query({
      ...common,
      operationId: 'listNotes',
      rest: 'GET /notes',
      input: z.strictObject({ limit: z.int().min(1).max(100).default(2), before: z.date().optional() }),
      output: z.object({ items: z.array(Note), nextCursor: z.string().nullable() }),
    }),
    get: query({
      ...common,
      operationId: 'getNote',
      rest: 'GET /notes/{id}',
      input: z.strictObject({ id: z.string() }),
      output: Note,
      errors: { PRODUCT_NOT_FOUND: errors.PRODUCT_NOT_FOUND },
    }),
    write: mutation({
      ...common,
      operationId: 'writeNote',
      rest: 'POST /notes',
      access: 'products:write',
      idempotent: false,
      input: z.strictObject({ text: z.string().min(1), writtenAt: z.date().optional() }),
      output: Note,
    }),
    explode: query({ ...common, operationId: 'explode', rest: 'GET /explode', output: z.null() }),
    slow: query({
      ...common,
      operationId: 'slow',
      rest: 'GET /slow',
      input: z.strictObject({ ms: z.int(), bytes: z.int().default(0) }),
      output: z.string(),
    }),
    feed: subscription({
      ...common,
      operationId: 'followNotes',
      rest: 'GET /notes/events',
      tracked: true,
      input: z.strictObject({
        count: z.int().default(3),
        padding: z.int().default(0),
        stay: z.boolean().default(false),
        lastEventId: z.string().optional(),
      }),
      output: z.object({ number: z.int(), at: z.date(), padding: z.string() }),
    }),
    count: subscription({
      ...common,
      operationId: 'count',
      rest: 'GET /count',
      input: z.strictObject({ to: z.int(), failWith: z.enum(['nothing', 'failure', 'error']).default('nothing') }),
      output: z.int(),
    }),
  },
};
export type NoteContracts = typeof noteContracts;

export const aDate = new Date('2010-12-01T08:26:00.000Z');
const noteOf = (id: string, text: string, writtenAt = aDate) => ({ id, text, tags: ['a.b'], writtenAt, readAt: null });
export const idOf = (number: number): string => `01890a5d-ac96-774b-bcce-${String(number).padStart(12, '0')}`;

/** What went on inside, for tests to look at. */
export interface Seen {
  readonly invocations: Invocation[];
  /** Procedures whose caller's signal was aborted while they ran. */
  readonly aborted: string[];
  /** Items that subscriptions were asked for. */
  pulled: number;
  /** Subscriptions open now. */
  following: number;
}

const handlersFor = (seen: Seen) =>
  implement(noteContracts, {
    ping: () => Promise.resolve('pong'),
    wait: ({ input }) => sleep(input.ms, 'waited'),
    notes: {
      list: ({ input }) =>
        Promise.resolve({
          items: Array.from({ length: input.limit }, (_, index) => ({
            ...noteOf(idOf(index), `note ${index}`, input.before),
            readAt: index % 2 === 0 ? null : aDate,
          })),
          nextCursor: null,
        }),
      get: ({ input, fail }) =>
        input.id === 'none' ? fail('PRODUCT_NOT_FOUND', { id: input.id }) : Promise.resolve(noteOf(input.id, 'found')),
      write: ({ input }) => Promise.resolve(noteOf(idOf(1), input.text, input.writtenAt)),
      explode: () => Promise.reject(new Error('the password is in /etc/secrets')),
      slow: async ({ input, ctx }) => {
        try {
          await sleep(input.ms, undefined, { signal: ctx.signal });
        } catch {
          seen.aborted.push('notes.slow');
        }
        return 'x'.repeat(input.bytes);
      },
      feed: async function* ({ input, ctx }) {
        seen.following++;
        try {
          const start = Number(input.lastEventId ?? 0);
          for (let number = start + 1; number <= start + input.count; number++) {
            if (ctx.signal.aborted) return;
            seen.pulled++;
            yield { id: String(number), data: { number, at: aDate, padding: 'x'.repeat(input.padding) } };
          }
          if (input.stay && !ctx.signal.aborted) await once(ctx.signal, 'abort');
        } finally {
          seen.following--;
          if (ctx.signal.aborted) seen.aborted.push('notes.feed');
        }
      },
      count: async function* ({ input, fail }) {
        for (let number = 1; number <= input.to; number++) yield number;
        if (input.failWith === 'failure') fail('UNAVAILABLE', { retryAfter: 7 });
        if (input.failWith === 'error') throw new Error('the password is in /etc/secrets');
      },
    },
  });

/** Tokens of the tests: `role`, then its life in milliseconds from when the server started. */
export const tokenOf = (role: Role, lifeMs = 600_000): string => `${role}.${lifeMs}`;

export interface TestOptions {
  readonly limits?: Partial<TrpcLimits>;
  /** Calls that the limiter lets pass. */
  readonly allowance?: number;
  readonly pingMs?: number;
}

/** The contracts above over the real kernel and every tRPC protocol, on a port of its own. */
export async function startTrpc({ limits = {}, allowance = Infinity, pingMs }: TestOptions = {}) {
  const seen: Seen = { invocations: [], aborted: [], pulled: 0, following: 0 };
  const started = Date.now();
  const revoked = new Set<string>();
  let taken = 0;
  const deps: KernelDependencies = {
    database: noDatabase,
    authenticator: {
      identify: async ({ credential }) => {
        if (credential === null) return null;
        const [role = '', life = ''] = credential.split('.');
        const expiresAt = started + Number(life);
        if (!(role in permissionsOf) || !(expiresAt > Date.now()) || revoked.has(credential))
          throw new Failure('UNAUTHENTICATED', null);
        return principalOf(role as Role, expiresAt);
      },
    },
    limiter: {
      spent: () => null,
      take: async ([demand]) => {
        const policy = demand?.policy ?? 'read';
        if (policy === 'address') return { allowed: true, state: null };
        taken++;
        const remaining = Math.min(Math.max(0, allowance - taken), 199);
        return {
          allowed: taken <= allowance,
          state: { policy, limit: 200, windowSeconds: 1, remaining, resetSeconds: 0.4 },
        };
      },
    },
    audit: { succeeded() {}, denied: async () => {}, keptOut: async () => {}, failed: async () => {} },
    cache: { through: (_, compute) => compute(), drop: () => undefined },
    telemetry: { observe: () => undefined },
    log: pino({ level: 'silent' }),
    clock: { now: () => new Date() },
    ids: { next: () => idOf(9), secret: () => 'secret' },
    limits: { deadlineMs: 5_000, maxInFlight: 10_000 },
  };
  const real = createKernel(deps, bind(noteContracts, handlersFor(seen)));
  const kernel: Kernel = {
    ...real,
    execute: (invocation) => {
      seen.invocations.push(invocation);
      return real.execute(invocation);
    },
  };

  const closing = new AbortController();
  const router = createRouter<NoteContracts>(kernel, pingMs === undefined ? {} : { pingMs });
  const addressOf = () => '127.0.0.1';
  const handle = trpcHttp({ kernel, router, addressOf, limits, departures: createDepartures(closing.signal) });
  const ws = trpcWs({ kernel, addressOf, limits });
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    // As CORS does ahead of every protocol.
    response.setHeader('vary', 'Origin');
    handle(request, response, (request.url ?? '').split('?', 1)[0]?.slice('/trpc/'.length) ?? '');
  });
  /** Connections that were upgraded. */
  const upgraded = new Set<Socket>();
  server.on('upgrade', (request, socket: Socket, head) => {
    upgraded.add(socket.once('close', () => upgraded.delete(socket)));
    ws.upgrade(request, socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    kernel,
    router,
    ws,
    http: upgraded as ReadonlySet<Socket>,
    closing,
    port,
    url: `http://127.0.0.1:${port}/trpc`,
    wsUrl: `ws://127.0.0.1:${port}/ws`,
    revoke: (token: string) => void revoked.add(token),
    /** Breaks every HTTP connection, as networks do. */
    cut: () => server.closeAllConnections(),
    async close() {
      closing.abort();
      ws.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
export type TestServer = Awaited<ReturnType<typeof startTrpc>>;

const principalOf = (role: Role, expiresAt: number): Principal => ({
  userId: idOf(1),
  tenantId: idOf(2),
  role,
  permissions: permissionsOf[role],
  sessionId: idOf(3),
  apiKeyId: null,
  callsPerSecond: null,
  locationIds: null,
  actor: null,
  expiresAt,
  timeZone: 'UTC',
  currency: 'GBP',
});

/** A database that only hands out itself: for calls that never reach one. */
const noDatabase = {
  tenant: () => ({}),
  transaction: (_: string, work: (db: object) => Promise<unknown>) => work({}),
} as unknown as KernelDependencies['database'];

/** Waits until something is so; fails after two seconds. */
export async function until(isSo: () => boolean, what: string, ms = 2_000): Promise<void> {
  const end = Date.now() + ms;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}
