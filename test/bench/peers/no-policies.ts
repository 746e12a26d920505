import { contracts } from '@olympus/contracts';
import { openDatabase, type Db } from '@olympus/database';
import { createCursors } from '@olympus/server/domains/cursors.ts';
import { orders } from '@olympus/server/domains/orders/procedures.ts';
import type { Context, Principal } from '@olympus/server/kernel/context.ts';
import type { Kernel } from '@olympus/server/kernel/execute.ts';
import { fail, Failure } from '@olympus/server/kernel/failure.ts';
import { bind } from '@olympus/server/kernel/implement.ts';
import { parseInput } from '@olympus/server/kernel/steps/validate.ts';
import { clientAddress } from '@olympus/server/platform/client-address.ts';
import { systemClock } from '@olympus/server/platform/clock.ts';
import { randomIds } from '@olympus/server/platform/ids.ts';
import { createLogger } from '@olympus/server/platform/logger.ts';
import { restHandler } from '@olympus/server/transports/rest.ts';
import type { z } from 'zod';
import { serve, settings } from './common.ts';

/**
 * The orders of Olympus by its own adapter, contracts, handlers, repositories and connections, with no policy between: it
 * asks for no credential, permission or tenant, counts, logs, measures, traces and audits nothing, keeps no deadline, sheds
 * no load, and turns no request away at the gate.
 */
const { databaseUrl, tenantId, key } = settings;
const database = await openDatabase({ url: databaseUrl, migrate: false, systemPoolSize: 10 });
// The system role's policies let it read every order, so that no row is compared with a session's tenant.
const db: Db = { tenantId, ...database.systemDb };

const none = () => Promise.reject(new Error('only reads are measured here'));
const procedures = bind(
  contracts.orders,
  orders({ cursors: createCursors(key), importer: none, exporter: none as never, follow: none }),
  'orders.',
);
const principal: Principal = {
  userId: tenantId,
  tenantId,
  role: 'owner',
  permissions: new Set(),
  sessionId: null,
  apiKeyId: null,
  callsPerSecond: null,
  locationIds: null,
  actor: null,
  expiresAt: Infinity,
  timeZone: 'UTC',
  currency: 'GBP',
};
const base = {
  principal,
  db,
  clock: systemClock,
  ids: randomIds,
  log: createLogger({ level: 'silent' }),
  stale: new Set<string>(),
  upload: null,
  transaction: none,
  serve: () => undefined,
  record: () => undefined,
  keepNoAnswer: () => undefined,
};

const kernel: Kernel = {
  procedures,
  byPath: new Map(procedures.map((procedure) => [procedure.path, procedure])),
  execute: async ({ procedure, caller, input, signal }) => {
    if (input instanceof Failure) throw input;
    const { def } = procedure.contract;
    const ctx: Context = { ...base, signal, caller, requestId: caller.requestId };
    const value = await procedure.handle({ input: parseInput(def.input as z.ZodType, input), ctx, fail });
    return (def.output as z.ZodType).parse(value);
  },
  identify: () => Promise.resolve(principal),
  greet: () => Promise.resolve(principal),
  admits: () => true,
  onAccessChange: () => () => undefined,
};

const rest = restHandler({ kernel, addressOf: clientAddress([]) });
serve((request, response) => rest(request, response, (request.url ?? '').slice('/api/v1'.length)));
