import { sql } from 'drizzle-orm';
import { customType, integer, numeric, pgPolicy, pgRole, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Serves tenants: sees what the session's tenant owns, and nothing without one. */
export const appRole = pgRole('olympus_app').existing();
/** Serves what crosses tenants by nature, through policies named on each table it may touch. */
const systemRole = pgRole('olympus_system').existing();

export const id = () => uuid().notNull();
export const tenantId = () => uuid('tenant_id').notNull();
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
/** Four decimals: unit prices of a tenth of a penny exist. */
export const money = (name: string) => numeric(name, { precision: 20, scale: 4 });
/** Text in byte order: prefix searches become index ranges, and sorting needs no locale. */
export const code = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

export const stamps = () => ({
  createdAt: instant('created_at').notNull(),
  updatedAt: instant('updated_at').notNull(),
  version: integer().notNull().default(1),
});

/** The session's tenant; null when none is set, which no row equals. */
const sessionTenant = sql`nullif(current_setting('app.tenant_id', true), '')::uuid`;
export const ofTenant = sql`tenant_id = ${sessionTenant}`;

/** Rows of the session's tenant only, for reading and writing. */
export const tenantPolicy = (table: string) =>
  pgPolicy(`${table}_of_tenant`, { for: 'all', to: appRole, using: ofTenant, withCheck: ofTenant });

/** The locations that the session is kept to, separated by commas; empty where it is kept to none. */
const sessionLocations = sql`current_setting('app.location_ids', true)`;

/**
 * Of the rows that the tenant's policy lets through, those of the session's locations. A `case`, because the planner takes
 * half of the rows for it, where it would take next to none for `… is null or …` and plan for that.
 */
export const locationPolicy = (table: string) => {
  const ofLocations = sql`case when coalesce(${sessionLocations}, '') = '' then true
    else coalesce(location_id = any (string_to_array(${sessionLocations}, ',')::uuid[]), false) end`;
  return pgPolicy(`${table}_of_locations`, {
    as: 'restrictive',
    for: 'all',
    to: appRole,
    using: ofLocations,
    withCheck: ofLocations,
  });
};

/** The tenant's own row. */
export const ownTenantPolicy = pgPolicy('tenants_own', {
  for: 'select',
  to: appRole,
  using: sql`id = ${sessionTenant}`,
});

/** Names what the system role may do on a table, across tenants. */
export const systemPolicy = (
  table: string,
  action: 'all' | 'select' | 'insert' | 'update' | 'delete',
  reason: string,
) =>
  pgPolicy(`${table}_system_${reason}`, {
    for: action,
    to: systemRole,
    ...(action === 'insert' ? {} : { using: sql`true` }),
    ...(action === 'all' || action === 'insert' || action === 'update' ? { withCheck: sql`true` } : {}),
  });
