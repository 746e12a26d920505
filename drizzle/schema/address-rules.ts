import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';
import { tenants } from './identity.ts';

/** From which addresses a tenant may be called; none for tenants that have never said. Rows are not deleted. */
export const addressRules = pgTable(
  'address_rules',
  {
    tenantId: tenantId()
      .primaryKey()
      .references(() => tenants.id),
    allow: text().array().notNull(),
    block: text().array().notNull(),
    updatedAt: instant('updated_at').notNull(),
    version: integer().notNull(),
  },
  () => [tenantPolicy('address_rules'), systemPolicy('address_rules', 'select', 'enforcement')],
);
