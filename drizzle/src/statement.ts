import { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { encodeArray } from './arrays.ts';

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

/** Throws a `TypeError` unless `tenantId` is a UUID, which also makes it safe inside a literal. */
export function checkTenant(tenantId: string): string {
  if (!uuid.test(tenantId)) throw new TypeError('a tenant id must be a UUID');
  return tenantId;
}

/**
 * Names the tenant and reads its rows in one statement. The lateral reference to the materialized `set_config` and the
 * `offset 0`, which the planner may not move conditions across, make PostgreSQL name the tenant before it opens a table.
 */
export function underTenant({ text, parameters }: Statement, tenantId: string): Statement {
  return {
    text:
      `with olympus_tenant as materialized (select set_config('app.tenant_id', $${parameters.length + 1}, true) as tenant) ` +
      `select r.* from olympus_tenant, lateral (select * from (${text}\n) q where olympus_tenant.tenant is not null offset 0) r`,
    parameters: [...parameters, tenantId],
  };
}
