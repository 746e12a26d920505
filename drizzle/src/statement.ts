import { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { encodeArray } from './arrays.ts';
import type { Reach } from './types.ts';

export interface Statement {
  text: string;
  parameters: Parameter[];
}

type Parameter = string | number | bigint | boolean | Date | Uint8Array | null;

const dialect = new PgDialect();
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A statement that another library has written, with its own `$1` places. */
export const given = (text: string, values: readonly unknown[]): SQL => new Given(text, values);

class Given extends SQL {
  readonly statement: Statement;
  constructor(text: string, values: readonly unknown[]) {
    super([]);
    this.statement = { text, parameters: values.map((value) => toParameter(value ?? null)) };
  }
}

/** Turns drizzle's `sql` into text with `$1` places. Throws a `TypeError` for a value that no column can hold. */
export function compile(statement: SQL): Statement {
  if (statement instanceof Given) return statement.statement;
  const { sql: text, params } = dialect.sqlToQuery(statement);
  return { text, parameters: params.map(toParameter) };
}

function toParameter(value: unknown): Parameter {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    case 'object':
      if (value === null || value instanceof Date || value instanceof Uint8Array) return value;
      return Array.isArray(value) ? encodeArray(value) : JSON.stringify(value);
    default:
      throw new TypeError(`a statement cannot carry a parameter of type ${typeof value}`);
  }
}

/** What the session's settings say of a reach; safe inside a literal, since it is made of UUIDs. */
export interface Settings {
  readonly tenantId: string;
  /** Separated by commas; null: all. */
  readonly locationIds: string | null;
}

/** Throws a `TypeError` unless every id is a UUID. */
export function settingsOf(reach: Reach): Settings {
  const { tenantId, locationIds } = typeof reach === 'string' ? { tenantId: reach, locationIds: null } : reach;
  if (!uuid.test(tenantId)) throw new TypeError('a tenant id must be a UUID');
  if (!locationIds) return { tenantId, locationIds: null };
  const locations = [...locationIds];
  // Empty would mean all to the policies, and it is the one who hands it over that must say so.
  if (locations.length === 0) throw new TypeError('a reach of no locations reaches nothing');
  if (!locations.every((id) => uuid.test(id))) throw new TypeError('a location id must be a UUID');
  return { tenantId, locationIds: locations.join(',') };
}

/**
 * Names the tenant and reads its rows in one statement. The lateral reference to the materialized `set_config` and the
 * `offset 0`, which the planner may not move conditions across, make PostgreSQL name the tenant before it opens a table.
 */
export function underTenant({ text, parameters }: Statement, { tenantId, locationIds }: Settings): Statement {
  const place = parameters.length + 1;
  const kept = locationIds === null ? '' : `, set_config('app.location_ids', $${place + 1}, true) as locations`;
  const set = `olympus_tenant.tenant is not null${kept && ' and olympus_tenant.locations is not null'}`;
  return {
    text:
      `with olympus_tenant as materialized (select set_config('app.tenant_id', $${place}, true) as tenant${kept}) ` +
      `select r.* from olympus_tenant, lateral (select * from (${text}\n) q where ${set} offset 0) r`,
    parameters: [...parameters, tenantId, ...(locationIds === null ? [] : [locationIds])],
  };
}
