import { sql } from 'drizzle-orm';
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
  uniqueIndex,
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
    /** When the user has shown that `email` is theirs. */
    emailVerifiedAt: instant('email_verified_at'),
    ...stamps(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('users_created').on(t.tenantId, t.createdAt, t.id),
    tenantPolicy('users'),
    systemPolicy('users', 'all', 'sign_in'),
  ],
);

/** A sign-in of one device, until it is ended or nobody has used it for the life of a refresh token. */
export const sessions = pgTable(
  'sessions',
  {
    tenantId: tenantId(),
    id: id(),
    userId: uuid('user_id').notNull(),
    device: text().notNull(),
    address: text().notNull(),
    createdAt: instant('created_at').notNull(),
    lastUsedAt: instant('last_used_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    endedAt: instant('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({
      name: 'sessions_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('sessions_user').on(t.tenantId, t.userId),
    index('sessions_expiry').on(t.expiresAt),
    tenantPolicy('sessions'),
    systemPolicy('sessions', 'all', 'sign_in'),
  ],
);

/** Refresh tokens by their hash. A family is those of one session; replay of a spent token ends it. */
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

/** Tokens of links that were sent by mail, by their hash: each is for one purpose and one address, and works once. */
export const mailTokens = pgTable(
  'mail_tokens',
  {
    tenantId: tenantId(),
    id: id(),
    userId: uuid('user_id').notNull(),
    purpose: text().notNull(),
    email: text().notNull(),
    tokenHash: text('token_hash').notNull().unique('mail_tokens_hash'),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    foreignKey({
      name: 'mail_tokens_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    index('mail_tokens_user').on(t.tenantId, t.userId, t.purpose),
    index('mail_tokens_expiry').on(t.expiresAt),
    tenantPolicy('mail_tokens'),
    systemPolicy('mail_tokens', 'all', 'links'),
  ],
);

/** The second factor of a user: its secret, sealed, and the last time step whose code was taken. */
export const totpFactors = pgTable(
  'totp_factors',
  {
    tenantId: tenantId(),
    userId: uuid('user_id').notNull(),
    sealedSecret: text('sealed_secret').notNull(),
    createdAt: instant('created_at').notNull(),
    /** null until a first code has shown that the user’s device has the secret. */
    confirmedAt: instant('confirmed_at'),
    lastStep: integer('last_step').notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId] }),
    foreignKey({
      name: 'totp_factors_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    tenantPolicy('totp_factors'),
    systemPolicy('totp_factors', 'all', 'sign_in'),
  ],
);

/** What stands in for a code of the second factor, once each. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  { tenantId: tenantId(), userId: uuid('user_id').notNull(), codeHash: text('code_hash').notNull() },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId, t.codeHash] }),
    foreignKey({
      name: 'recovery_codes_user',
      columns: [t.tenantId, t.userId],
      foreignColumns: [users.tenantId, users.id],
    }),
    tenantPolicy('recovery_codes'),
    systemPolicy('recovery_codes', 'all', 'sign_in'),
  ],
);

/** Sign-ins that have failed of late, by the hash of who was tried from where. */
export const signInFailures = pgTable(
  'sign_in_failures',
  {
    key: text().primaryKey(),
    count: integer().notNull(),
    blockedUntil: instant('blocked_until'),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('sign_in_failures_expiry').on(t.expiresAt), systemPolicy('sign_in_failures', 'all', 'throttling')],
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
