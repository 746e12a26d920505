import { commonErrors, contracts, contractsOf, errors } from '@olympus/contracts';
import { TRPCError } from '@trpc/server';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure } from '../kernel/failure.ts';
import { errorShape, failureOf, failureShape } from './error-codes.ts';
import { callerHeaders, policyHeaders, worstOf } from './response-headers.ts';
import { createRouter } from './trpc-router.ts';
import { aDate, idOf, startTrpc, tokenOf } from './trpc-testing.ts';

const callerWith = (credential: string | null): Caller => ({
  protocol: 'trpc-http',
  requestId: 'req-1',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  address: '127.0.0.1',
  credential,
});

/** What generators read. */
interface Shown {
  type: string;
  inputs: unknown[];
  output: unknown;
  meta: { openapi: object };
}

describe('the router', () => {
  it('can be called without a wire', async () => {
    const server = await startTrpc();
    const { router } = server;
    const api = router.createCaller({ caller: callerWith(tokenOf('owner')) });
    expect(await api.ping()).toBe('pong');
    expect(await api.notes.get({ id: idOf(5) })).toMatchObject({ id: idOf(5), writtenAt: aDate });
    const numbers: number[] = [];
    for await (const number of await api.notes.count({ to: 2 })) numbers.push(number);
    expect(numbers).toEqual([1, 2]);
    const error = await api.notes.get({ id: 'none' }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(TRPCError);
    expect(error).toMatchObject({ code: 'NOT_FOUND', cause: { code: 'PRODUCT_NOT_FOUND' } });
    const stranger = router.createCaller({ caller: callerWith(null) });
    await expect(stranger.notes.get({ id: 'none' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await server.close();
  });

  it('shows the schemas, routes and kinds of every contract', () => {
    const all = [...contractsOf(contracts)];
    const procedures = all.map(({ path, contract }) => ({ path, contract, handle: () => Promise.resolve(null) }));
    const { procedures: shown } = createRouter({ procedures } as unknown as Kernel)._def;
    for (const { path, contract } of all) {
      const procedure = (shown as unknown as Record<string, { _def: Shown }>)[path];
      if (!procedure) throw new Error(`${path} is not there`);
      const { type, inputs, output, meta } = procedure._def;
      expect(type).toBe(contract.kind);
      expect(inputs).toEqual(contract.def.input ? [contract.def.input] : []);
      expect(output).toBe(contract.def.output);
      const [method, route] = contract.def.rest.split(' ');
      expect(meta.openapi).toMatchObject({
        method,
        path: route,
        operationId: contract.def.operationId,
        tags: [path.split('.')[0] ?? ''],
      });
    }
  });
});

describe('error codes', () => {
  const registry = { ...commonErrors, ...errors };
  it.each(Object.entries(registry))('%s has a tRPC code of its own status', (code, { status }) => {
    const shape = errorShape(
      new Failure(code as 'INTERNAL', (code === 'INVALID_INPUT' ? { issues: [] } : null) as null),
      { path: 'a.b', requestId: 'req-1' },
    );
    expect(shape.data).toMatchObject({
      httpStatus: status,
      path: 'a.b',
      failure: { code, status, requestId: 'req-1' },
    });
    if (status < 500) expect(shape.data.code).not.toBe('INTERNAL_SERVER_ERROR');
    expect(shape.code).toBeLessThan(-32_000);
  });

  it('never tell what went wrong inside', () => {
    const failure = new Failure('INTERNAL', null, { cause: new Error('secret'), detail: 'secret' });
    expect(JSON.stringify(errorShape(failure, { requestId: 'r' }))).not.toContain('secret');
    expect(failureShape(failureOf(new TypeError('secret')), 'r')).toMatchObject({ code: 'INTERNAL', data: null });
    for (const code of [
      'PARSE_ERROR',
      'BAD_REQUEST',
      'NOT_FOUND',
      'METHOD_NOT_SUPPORTED',
      'PAYLOAD_TOO_LARGE',
    ] as const)
      expect(JSON.stringify(failureShape(failureOf(new TRPCError({ code, message: 'secret' })), 'r'))).not.toContain(
        'secret',
      );
  });
});

describe('policy headers', () => {
  const rateLimit = { policy: 'write', limit: 100, windowSeconds: 1, remaining: 0, resetSeconds: 0.25 } as const;
  it('round seconds up, and wait at least one', () => {
    expect(policyHeaders({ rateLimit, replayed: true }, new Failure('UNAVAILABLE', { retryAfter: 0.2 }))).toEqual({
      ratelimit: '"write";r=0;t=1',
      'ratelimit-policy': '"write";q=100;w=1',
      'retry-after': '1',
      'idempotency-replayed': 'true',
    });
    expect(policyHeaders({}, null)).toEqual({});
    expect(callerHeaders(callerWith(null))).toMatchObject({
      'x-request-id': 'req-1',
      'cache-control': 'private, no-store',
    });
  });

  it('tell the worst of a batch', () => {
    const read = { ...rateLimit, policy: 'read', limit: 200, remaining: 3 } as const;
    expect(worstOf([{ rateLimit: read, replayed: true }, {}, { rateLimit: { ...rateLimit, remaining: 1 } }])).toEqual({
      rateLimit: { ...rateLimit, remaining: 1 },
    });
    expect(worstOf([])).toEqual({});
  });
});
