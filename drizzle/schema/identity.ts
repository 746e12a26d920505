import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { code, id, instant, ownTenantPolicy, stamps, systemPolicy, tenantId, tenantPolicy } from '../columns.ts';

export const tenants = pgTable(
  'tenants',
  {
    id: id().primaryKey(),
    name: text().notNull(),
    timeZone: text('time_zone').notNull(),
    currency: text().notNull(),
    createdAt: instant('created_at').notNull(),
  },
  () => [ownTenantPolicy, systemPolicy('tenants', 'all', 'registration')],
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

/** Users as other issuers know them: whoever an issuer says is its subject is this user here. */
export const identities = pgTable(
  'identities',
  {
    tenantId: tenantId(),
    issuer: code().notNull(),
    subject: code().notNull(),
    userId: uuid('user_id').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.issuer, t.subject] }),
    unique('identities_subject').on(t.issuer, t.subject),
    foreignKey({
      name: 'identities_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('identities_of_user').on(t.tenantId, t.userId),
    tenantPolicy('identities'),
    systemPolicy('identities', 'all', 'sign_in'),
  ],
);

/** Sign-ins that have left for a provider and are not back yet, by the hash of what the client keeps. */
export const pendingSignIns = pgTable(
  'pending_sign_ins',
  {
    stateHash: text('state_hash').primaryKey(),
    provider: text().notNull(),
    redirectUri: text('redirect_uri').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('pending_sign_ins_expiry').on(t.expiresAt), systemPolicy('pending_sign_ins', 'all', 'sign_in')],
);

/** Signing keys and secrets of the installation: the secrets are kept for good, signing keys come and go. */
export const keys = pgTable(
  'keys',
  {
    id: text().primaryKey(),
    purpose: text().notNull(),
    material: jsonb().notNull(),
    createdAt: instant('created_at').notNull(),
    /** When a signing key begins to sign; null: when it was made. */
    signsFrom: instant('signs_from'),
    /** The longest life that a process gave tokens of this key. */
    tokenSeconds: integer('token_seconds').notNull().default(0),
    /** From when on nothing that the key signed is good. */
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('keys_purpose').on(t.purpose, t.createdAt), systemPolicy('keys', 'all', 'signing')],
);
