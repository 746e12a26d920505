import { permissionsOf, type RateClass, type Role } from '@olympus/contracts';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import type { Principal } from '../../kernel/context.ts';
import { createKernel, type KernelDependencies } from '../../kernel/execute.ts';
import { Failure } from '../../kernel/failure.ts';
import { bind, implement } from '../../kernel/implement.ts';
import type { StreamCaps } from '../../kernel/steps/stream-caps.ts';
import { restHandler, type RestOptions } from '../rest.ts';
import { mugContracts, mugHandlers, type MugHandlers } from './mug-api.ts';

export const tokenOf = (role: Role): string => `token-${role}`;

/** Whose data the tokens of the tests open. */
const tenantId = '01890a5d-ac96-774b-bcce-b302099a8058';

/** A principal that a test's token stands for. */
const principalOf = (role: Role, expiresAt: number): Principal => ({
  userId: '01890a5d-ac96-774b-bcce-b302099a8057',
  tenantId,
  role,
  permissions: permissionsOf[role],
  sessionId: 'session',
  apiKeyId: null,
  callsPerSecond: null,
  locationIds: null,
  actor: null,
  expiresAt,
  timeZone: 'UTC',
  currency: 'GBP',
});

/** What a test changes while the server runs. */
interface World {
  /** Tokens whose session has ended. */
  readonly revoked: Set<string>;
  /** Classes of calls that are spent. */
  readonly spent: Set<RateClass>;
  /** As telemetry counts them. */
  openStreams: number;
}

interface TestServerOptions {
  readonly handlers?: Partial<MugHandlers['mugs']>;
  readonly database?: KernelDependencies['database'];
  readonly rest?: Partial<RestOptions>;
  readonly streams?: StreamCaps;
  /** Milliseconds that tokens live. */
  readonly tokenMs?: number;
}

/** The mug API over the real kernel, on a port of its own. */
export async function startRest(options: TestServerOptions = {}) {
  const { handlers, database = noDatabase, rest, streams, tokenMs = 600_000 } = options;
  const calls: { procedure: string; code: string }[] = [];
  const world: World = { revoked: new Set(), spent: new Set(), openStreams: 0 };
  const kernel = createKernel(
    {
      database,
      authenticator: authenticator(world, Date.now() + tokenMs),
      limiter: {
        spent: () => null,
        take: ([demand]) => {
          const policy = demand?.policy ?? 'read';
          return Promise.resolve({
            allowed: !world.spent.has(policy as RateClass),
            state: { policy, limit: 10, windowSeconds: 1, remaining: 9, resetSeconds: 1 },
          });
        },
      },
      audit: { succeeded() {}, denied: async () => {}, keptOut: async () => {}, failed: async () => {} },
      cache: { through: (_, compute) => compute(), drop: () => undefined },
      telemetry: {
        observe: ({ procedure, code }) => void calls.push({ procedure, code }),
        countStreams: (_, by) => void (world.openStreams += by),
      },
      log: pino({ level: 'silent' }),
      clock: { now: () => new Date() },
      ids: { next: () => '01890a5d-ac96-774b-bcce-b302099a8059', secret: () => 'secret' },
      limits: { deadlineMs: 5_000, maxInFlight: 100, ...(streams && { streams }) },
    },
    bind(mugContracts, implement(mugContracts, { mugs: { ...mugHandlers.mugs, ...handlers } })),
  );
  const handle = restHandler({ kernel, addressOf: () => '127.0.0.1', ...rest });
  const server = createServer((request, response) =>
    handle(request, response, (request.url ?? '').slice('/api/v1'.length)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { revoked, spent } = world;
  const openStreams = () => world.openStreams;
  return { port, calls, revoked, spent, openStreams, send: sender(port), close: () => closeServer(server) };
}
export type TestServer = Awaited<ReturnType<typeof startRest>>;

const authenticator = ({ revoked }: World, expiresAt: number): KernelDependencies['authenticator'] => ({
  identify: (caller) => {
    if (caller.credential === null) return Promise.resolve(null);
    const role = caller.credential.replace('token-', '') as Role;
    if (!(role in permissionsOf) || revoked.has(caller.credential) || expiresAt <= Date.now())
      return Promise.reject(new Failure('UNAUTHENTICATED', null));
    return (caller.principal ??= Promise.resolve(principalOf(role, expiresAt)));
  },
});

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
interface Sent {
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
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const received = Buffer.concat(chunks).toString();
    const isJson = response.headers['content-type']?.endsWith('json') === true && received !== '';
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: received,
      json: isJson ? JSON.parse(received) : null,
    };
  };

/** A database that only hands out itself: for calls that never reach one. */
const noDatabase = {
  tenant: () => ({}),
  transaction: (_: string, work: (db: object) => Promise<unknown>) => work({}),
} as unknown as KernelDependencies['database'];
