import { errors, mutation, permissionsOf, query, subscription, type Role } from '@olympus/contracts';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { z } from 'zod';
import type { Principal } from '../kernel/context.ts';
import { createKernel, type KernelDependencies } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import { bind, implement, type Handlers } from '../kernel/implement.ts';
import { restHandler, type RestOptions } from './rest.ts';

// A small API for the tests of this folder: one contract for each thing that a transport must carry.
const Id = z.uuid();
const Mug = z.object({ id: Id, name: z.string(), price: z.string(), firedAt: z.date(), version: z.int() });
const { PRODUCT_NOT_FOUND } = errors;
type Mug = z.output<typeof Mug>;

export const mugContracts = {
  mugs: {
    list: query({
      summary: 'List mugs',
      operationId: 'listMugs',
      rest: 'GET /mugs',
      access: 'products:read',
      input: z.strictObject({
        limit: z.int().min(1).max(100).default(20),
        cursor: z.string().min(1).optional(),
        withTotal: z.boolean().default(false),
        glaze: z.array(z.string()).optional(),
        firedAfter: z.date().optional(),
        q: z.string().optional(),
      }),
      output: z.object({
        items: z.array(Mug),
        nextCursor: z.string().nullable(),
        previousCursor: z.string().nullable(),
        totalCount: z.int().nullable(),
        echo: z.record(z.string(), z.unknown()),
      }),
    }),
    get: query({
      summary: 'Get a mug',
      operationId: 'getMug',
      rest: 'GET /mugs/{id}',
      access: 'products:read',
      input: z.strictObject({ id: Id }),
      output: Mug,
      errors: { PRODUCT_NOT_FOUND },
    }),
    named: query({
      summary: 'Get a mug by its name',
      operationId: 'getMugByName',
      rest: 'GET /mugs/named/{name}',
      access: 'public',
      input: z.strictObject({ name: z.string().max(20) }),
      output: z.object({ name: z.string() }),
    }),
    create: mutation({
      summary: 'Make a mug',
      operationId: 'createMug',
      rest: 'POST /mugs',
      status: 201,
      access: 'products:write',
      input: z.strictObject({
        name: z.string().min(1),
        price: z.string().default('1.00'),
        firedAt: z.date().optional(),
        parts: z.array(z.strictObject({ made: z.date() })).optional(),
      }),
      output: Mug,
    }),
    update: mutation({
      summary: 'Change a mug',
      operationId: 'updateMug',
      rest: 'PATCH /mugs/{id}',
      access: 'products:write',
      input: z.strictObject({
        id: Id,
        name: z.string().nullable().optional(),
        expectedVersion: z.int().min(1).optional(),
      }),
      output: Mug,
    }),
    remove: mutation({
      summary: 'Break a mug',
      operationId: 'deleteMug',
      rest: 'DELETE /mugs/{id}',
      status: 204,
      access: 'products:write',
      input: z.strictObject({ id: Id, expectedVersion: z.int().min(1).optional() }),
      output: z.null(),
    }),
    batch: mutation({
      summary: 'Make mugs',
      operationId: 'batchMugs',
      rest: 'POST /mugs/batch',
      status: 207,
      access: 'products:write',
      input: z.strictObject({ names: z.array(z.string()).max(3) }),
      output: z.object({ results: z.array(z.object({ index: z.int(), status: z.int() })) }),
    }),
    import: mutation({
      summary: 'Import mugs',
      operationId: 'importMugs',
      rest: 'POST /mugs/import',
      access: 'products:import',
      idempotent: false,
      unitOfWork: 'own',
      upload: ['text/csv'],
      query: ['dryRun'],
      input: z.strictObject({ dryRun: z.boolean().default(false), content: z.string().optional() }),
      output: z.object({ bytes: z.int(), mediaType: z.string().nullable(), dryRun: z.boolean() }),
    }),
    export: subscription({
      summary: 'Export mugs',
      operationId: 'exportMugs',
      rest: 'GET /mugs/export',
      access: 'products:read',
      rate: 'read',
      download: ['text/csv', 'application/x-ndjson'],
      input: z.strictObject({ count: z.int().default(3), failAt: z.int().optional() }),
      output: z.object({
        name: z.string(),
        quantity: z.int(),
        unitPrice: z.string().meta({ format: 'decimal' }),
        firedAt: z.date(),
        note: z.string().nullable(),
      }),
    }),
    updates: subscription({
      summary: 'Follow mugs',
      operationId: 'followMugs',
      rest: 'GET /mugs/events',
      access: 'products:read',
      rate: 'stream',
      tracked: true,
      input: z.strictObject({
        failWith: z.enum(['now', 'later']).optional(),
        count: z.int().default(2),
        padding: z.int().default(0),
        open: z.boolean().default(false),
        lastEventId: z.string().max(200).optional(),
      }),
      output: z.object({ type: z.literal('mug.made'), mugId: z.string(), after: z.string().nullable() }),
    }),
  },
};

export type MugHandlers = Handlers<typeof mugContracts>;

export const tokenOf = (role: Role): string => `token-${role}`;

/** A principal that a test's token stands for. */
const principalOf = (role: Role, expiresAt: number): Principal => ({
  userId: '01890a5d-ac96-774b-bcce-b302099a8057',
  tenantId: '01890a5d-ac96-774b-bcce-b302099a8058',
  role,
  permissions: permissionsOf[role],
  sessionId: 'session',
  expiresAt,
  timeZone: 'UTC',
  currency: 'GBP',
});

export interface TestServerOptions {
  readonly handlers: MugHandlers;
  readonly database: KernelDependencies['database'];
  readonly rest?: Partial<RestOptions>;
  readonly tokenMs?: number;
}

/** The contracts above over the real kernel, on a port of its own. */
export async function startRest({ handlers, database, rest, tokenMs = 600_000 }: TestServerOptions) {
  const calls: { procedure: string; code: string }[] = [];
  const expiresAt = Date.now() + tokenMs;
  const kernel = createKernel(
    {
      database,
      authenticator: {
        identify: (caller) => {
          if (caller.credential === null) return Promise.resolve(null);
          const role = caller.credential.replace('token-', '') as Role;
          if (!(role in permissionsOf)) return Promise.reject(new Failure('UNAUTHENTICATED', null));
          return (caller.principal ??= Promise.resolve(principalOf(role, expiresAt)));
        },
      },
      limiter: {
        take: (policy, key) =>
          Promise.resolve({
            allowed: key !== 'nobody',
            policy,
            limit: 10,
            windowSeconds: 1,
            remaining: 9,
            resetSeconds: 1,
          }),
      },
      cache: { through: (_, compute) => compute(), drop: () => undefined },
      telemetry: { observe: ({ procedure, code }) => void calls.push({ procedure, code }) },
      log: pino({ level: 'silent' }),
      clock: { now: () => new Date() },
      ids: { next: () => '01890a5d-ac96-774b-bcce-b302099a8059', secret: () => 'secret' },
      limits: { deadlineMs: 5_000, maxInFlight: 100 },
    },
    bind(mugContracts, implement(mugContracts, handlers)),
  );
  const handle = restHandler({ kernel, addressOf: () => '127.0.0.1', ...rest });
  const server = createServer((request, response) =>
    handle(request, response, (request.url ?? '').slice('/api/v1'.length)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, calls, send: sender(port), close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // The tests say themselves what they expect of a body.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}
export interface Sent {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

const sender =
  (port: number) =>
  async (line: `${string} /${string}`, sent: Sent = {}): Promise<Answer> => {
    const [method = 'GET', path = '/'] = line.split(/ (.*)/);
    const { token = tokenOf('owner'), body, headers = {} } = sent;
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path: `/api/v1${path}`,
      agent: false,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...headers,
      },
    });
    request.end(text);
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const received = Buffer.concat(chunks).toString();
    const isJson = /json$/.test(response.headers['content-type'] ?? '') && received !== '';
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: received,
      json: isJson ? JSON.parse(received) : null,
    };
  };

/** A database that only hands out itself: for calls that never reach one. */
export const noDatabase = {
  tenant: () => ({}),
  transaction: (_: string, work: (db: object) => Promise<unknown>) => work({}),
} as unknown as KernelDependencies['database'];

const aMug: Mug = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  name: 'blue',
  price: '3.5000',
  firedAt: new Date('2010-12-01T08:26:00.000Z'),
  version: 3,
};

/** Answers that show what was asked. */
export const mugHandlers: MugHandlers = {
  mugs: {
    list: ({ input }) =>
      Promise.resolve({
        items: [aMug],
        nextCursor: input.cursor === 'last' ? null : 'n+1',
        previousCursor: input.cursor ? 'p/1' : null,
        totalCount: input.withTotal ? 41 : null,
        echo: { ...input },
      }),
    get: ({ input, fail }) =>
      input.id === aMug.id ? Promise.resolve(aMug) : fail('PRODUCT_NOT_FOUND', { id: input.id }),
    named: ({ input }) => Promise.resolve({ name: input.name }),
    create: ({ input }) =>
      Promise.resolve({
        ...aMug,
        name: input.name,
        price: input.price,
        firedAt: input.parts?.[0]?.made ?? input.firedAt ?? aMug.firedAt,
        version: 1,
      }),
    update: ({ input, fail }) =>
      input.expectedVersion !== undefined && input.expectedVersion !== aMug.version
        ? fail('VERSION_CONFLICT', { currentVersion: aMug.version })
        : Promise.resolve({
            ...aMug,
            name: input.name === undefined ? 'absent' : (input.name ?? 'null'),
            version: aMug.version + 1,
          }),
    remove: ({ input, fail }) =>
      input.expectedVersion === 9 ? fail('VERSION_CONFLICT', { currentVersion: 3 }) : Promise.resolve(null),
    batch: ({ input }) => Promise.resolve({ results: input.names.map((_, index) => ({ index, status: 201 })) }),
    import: async ({ input, ctx }) => {
      let bytes = Buffer.byteLength(input.content ?? '');
      for await (const chunk of ctx.upload?.stream ?? []) bytes += chunk.length;
      return { bytes, mediaType: ctx.upload?.mediaType ?? null, dryRun: input.dryRun };
    },
    export: async function* ({ input, fail }) {
      for (let line = 0; line < input.count; line++) {
        if (line === input.failAt) fail('INTERNAL');
        yield { name: `=mug "${line}"`, quantity: -line, unitPrice: '-1.5000', firedAt: aMug.firedAt, note: null };
      }
    },
    updates: async function* ({ input, ctx, fail }) {
      if (input.failWith === 'now') fail('UNAVAILABLE', { retryAfter: 2 });
      for (let count = 1; count <= input.count; count++) {
        const after = input.lastEventId ?? null;
        yield { id: `e${count}`, data: { type: 'mug.made', mugId: 'm'.repeat(input.padding + 1), after } };
      }
      if (input.failWith === 'later') fail('INTERNAL');
      if (input.open && !ctx.signal.aborted)
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }));
    },
  },
};
