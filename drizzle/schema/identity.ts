import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { id, instant, ownTenantPolicy, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

export const tenants = pgTable(
  'tenants',
  {
    id: id().primaryKey(),
    name: text().notNull(),
    timeZone: text('time_zone').notNull(),
    currency: text().notNull(),
    createdAt: instant('created_at').notNull(),
    /** While it is set, every credential of the tenant is refused. */
    suspendedAt: instant('suspended_at'),
    suspendedFor: text('suspended_for'),
    /** The one tenant of the platform's own users; its permissions reach no data of tenants. */
    platform: boolean().notNull().default(false),
  },
  (t) => [
    uniqueIndex('tenants_platform')
      .on(t.platform)
      .where(sql`platform`),
    ownTenantPolicy,
    systemPolicy('tenants', 'all', 'registration'),
  ],
);

/** An e-mail address is one user of one tenant: unique across all of them, and found before the tenant is known. */
export const users = pgTable(
  'users',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    email: text().notNull().unique('users_email'),
    name: text().notNull(),
    role: text().notNull(),
    active: boolean().notNull().default(true),
    /** The locations whose orders the user is kept to; empty: all. */
    locationIds: uuid('location_ids')
      .array()
      .notNull()
      .default(sql`'{}'`),
    passwordHash: text('password_hash').notNull(),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('users_created').on(t.tenantId, t.createdAt, t.id),
    tenantPolicy('users'),
    systemPolicy('users', 'all', 'sign_in'),
  ],
);

/** Refresh tokens by their hash. A family is one sign-in; replay of a spent token revokes all of it. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    tenantId: tenantId(),
    id: id(),
    userId: uuid('user_id').notNull(),
    familyId: uuid('family_id').notNull(),
    tokenHash: text('token_hash').notNull().unique('refresh_tokens_hash'),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    spentAt: instant('spent_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({
      name: 'refresh_tokens_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('refresh_tokens_family').on(t.tenantId, t.familyId),
    index('refresh_tokens_user').on(t.tenantId, t.userId),
    index('refresh_tokens_expiry').on(t.expiresAt),
    tenantPolicy('refresh_tokens'),
    systemPolicy('refresh_tokens', 'all', 'rotation'),
  ],
);

/** Signing keys and secrets of the installation, made on first start and kept. */
export const keys = pgTable(
  'keys',
  {
    id: text().primaryKey(),
    purpose: text().notNull(),
    material: jsonb().notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [index('keys_purpose').on(t.purpose, t.createdAt), systemPolicy('keys', 'all', 'signing')],
);
