import type { Pool } from './pool.ts';
import { compile, settingsOf, underTenant, type Settings, type Statement } from './statement.ts';
import { streamAlone } from './stream.ts';
import { transact } from './transaction.ts';
import type { Database } from './types.ts';

type Queries = Pick<Database, 'tenant' | 'transaction' | 'systemTransaction' | 'systemDb'>;

export interface QueryOptions {
  app: Pool;
  system: Pool;
  /** Streams outside a transaction read from a cursor that outlives its own, where an open transaction would stop all others. */
  holdCursors: boolean;
}

export function createQueries({ app, system, holdCursors }: QueryOptions): Queries {
  return {
    tenant(reach) {
      const settings = settingsOf(reach);
      return {
        tenantId: settings.tenantId,
        rows: async (statement) => single(app, underTenant(compile(statement), settings)),
        stream: (statement, batch) =>
          streamAlone(app, compile(statement), { begin: beginFor(settings), batch, hold: holdCursors }),
      };
    },
    transaction: async (reach, work) => {
      const settings = settingsOf(reach);
      return transact(app, { begin: beginFor(settings), extra: { tenantId: settings.tenantId } }, work);
    },
    systemTransaction: (work) => transact(system, { begin: 'begin', extra: {} }, work),
    systemDb: {
      rows: async (statement) => single(system, compile(statement)),
      stream: (statement, batch) =>
        streamAlone(system, compile(statement), { begin: 'begin', batch, hold: holdCursors }),
    },
  };
}

function beginFor({ tenantId, locationIds }: Settings): string {
  const kept = locationIds === null ? '' : `, set_config('app.location_ids', '${locationIds}', true)`;
  return `begin; select set_config('app.tenant_id', '${tenantId}', true)${kept}`;
}

async function single<R extends object>(pool: Pool, statement: Statement): Promise<R[]> {
  return pool.use(async (session) => (await session.run(statement)).rows as R[]);
}
