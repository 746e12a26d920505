import type { Role, Tenant, User } from '@olympus/contracts';
import { sql, type Db, type SQL, type SystemDb } from '@olympus/database';
import type { SessionState } from './authenticator.ts';
import type { Claims } from './tokens.ts';

/** A user with what signing them in needs of their tenant. */
export interface Account extends User {
  readonly tenantId: string;
  readonly timeZone: string;
  readonly currency: string;
}

export interface NewToken {
  readonly id: string;
  readonly familyId: string;
  readonly hash: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const accountColumns = sql`
  u.tenant_id as "tenantId", u.id, u.email, u.name, u.role, u.active, u.version,
  u.created_at as "createdAt", u.updated_at as "updatedAt", t.time_zone as "timeZone", t.currency`;

export async function insertTenant(db: SystemDb, tenant: Tenant & { createdAt: Date }): Promise<void> {
  await db.rows(sql`
    insert into tenants (id, name, time_zone, currency, created_at)
    values (${tenant.id}::uuid, ${tenant.name}, ${tenant.timeZone}, ${tenant.currency}, ${tenant.createdAt})`);
}

/** False when the e-mail address is in use. */
export async function insertOwner(
  db: SystemDb,
  owner: { tenantId: string; id: string; email: string; name: string; passwordHash: string; createdAt: Date },
): Promise<boolean> {
  const rows = await db.rows(sql`
    insert into users (tenant_id, id, email, name, role, active, password_hash, created_at, updated_at, version)
    values (${owner.tenantId}::uuid, ${owner.id}::uuid, ${owner.email}, ${owner.name}, 'owner', true,
            ${owner.passwordHash}, ${owner.createdAt}, ${owner.createdAt}, 1)
    on conflict (email) do nothing returning id`);
  return rows.length > 0;
}

export async function findPassword(
  db: SystemDb,
  email: string,
): Promise<{ tenantId: string; id: string; passwordHash: string } | null> {
  const [row] = await db.rows<{ tenantId: string; id: string; passwordHash: string }>(sql`
    select tenant_id as "tenantId", id, password_hash as "passwordHash" from users where email = ${email} and active`);
  return row ?? null;
}

/**
 * The account, held so that neither its deactivation nor a change of its password comes between here and the commit.
 * null when it is not active, or has another password than the one that was checked.
 */
export const holdByPassword = (db: SystemDb, id: string, passwordHash: string): Promise<Account | null> =>
  hold(
    db,
    sql`from users u join tenants t on t.id = u.tenant_id
    where u.id = ${id}::uuid and u.password_hash = ${passwordHash} and u.active`,
  );

/** As above, for the account that a refresh token was given to. */
export const holdByToken = (db: SystemDb, hash: string): Promise<Account | null> =>
  hold(
    db,
    sql`from refresh_tokens r join users u on u.tenant_id = r.tenant_id and u.id = r.user_id
    join tenants t on t.id = u.tenant_id where r.token_hash = ${hash} and u.active`,
  );

/** As above, for the account that a subject of another issuer is linked with. */
export const holdByIdentity = (
  db: SystemDb,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<Account | null> =>
  hold(
    db,
    sql`from identities i join users u on u.tenant_id = i.tenant_id and u.id = i.user_id
    join tenants t on t.id = u.tenant_id where i.issuer = ${issuer} and i.subject = ${subject} and u.active`,
  );

async function hold(db: SystemDb, from: SQL): Promise<Account | null> {
  const [row] = await db.rows<Account>(sql`select ${accountColumns} ${from} for share of u`);
  return row ?? null;
}

export async function insertToken(
  db: SystemDb,
  account: { tenantId: string; id: string },
  token: NewToken,
): Promise<void> {
  await db.rows(sql`
    insert into refresh_tokens (tenant_id, id, user_id, family_id, token_hash, created_at, expires_at)
    values (${account.tenantId}::uuid, ${token.id}::uuid, ${account.id}::uuid, ${token.familyId}::uuid, ${token.hash},
            ${token.createdAt}, ${token.expiresAt})`);
}

/** Spends a token that may be spent, once; its family, or null. */
export async function spendToken(db: SystemDb, hash: string, now: Date): Promise<string | null> {
  const [row] = await db.rows<{ familyId: string }>(sql`
    update refresh_tokens set spent_at = ${now}
    where token_hash = ${hash} and spent_at is null and revoked_at is null and expires_at > ${now}
    returning family_id as "familyId"`);
  return row?.familyId ?? null;
}

/**
 * A token that was spent before, presented again. `superseded` says that what it was exchanged for has been spent too,
 * so that whoever presents it is no racer.
 */
export async function findSpent(
  db: SystemDb,
  hash: string,
): Promise<{ tenantId: string; familyId: string; spentAt: Date; superseded: boolean } | null> {
  const [row] = await db.rows<{ tenantId: string; familyId: string; spentAt: Date; superseded: boolean }>(sql`
    select r.tenant_id as "tenantId", r.family_id as "familyId", r.spent_at as "spentAt",
           exists (select from refresh_tokens n where n.tenant_id = r.tenant_id and n.family_id = r.family_id
                   and n.id > r.id and n.spent_at is not null) as superseded
    from refresh_tokens r where r.token_hash = ${hash} and r.spent_at is not null and r.revoked_at is null`);
  return row ?? null;
}

export async function revokeFamily(
  db: SystemDb,
  family: { tenantId: string; familyId: string },
  now: Date,
): Promise<void> {
  await db.rows(sql`
    update refresh_tokens set revoked_at = ${now}
    where tenant_id = ${family.tenantId}::uuid and family_id = ${family.familyId}::uuid and revoked_at is null`);
}

/** The family of a token of this user; null when it is not theirs. */
export async function findFamily(db: Db, userId: string, hash: string): Promise<string | null> {
  const [row] = await db.rows<{ familyId: string }>(sql`
    select family_id as "familyId" from refresh_tokens
    where tenant_id = ${db.tenantId}::uuid and user_id = ${userId}::uuid and token_hash = ${hash}`);
  return row?.familyId ?? null;
}

export async function readSession(db: SystemDb, claims: Claims, now: Date): Promise<SessionState | null> {
  const [row] = await db.rows<{ role: Role; timeZone: string; currency: string }>(sql`
    select u.role, t.time_zone as "timeZone", t.currency from users u join tenants t on t.id = u.tenant_id
    where u.tenant_id = ${claims.tenantId}::uuid and u.id = ${claims.userId}::uuid and u.active
      and exists (select from refresh_tokens r where r.tenant_id = u.tenant_id and r.family_id = ${claims.sessionId}::uuid
                  and r.user_id = u.id and r.revoked_at is null and r.expires_at > ${now})`);
  return row ?? null;
}

export async function findMe(db: Db, userId: string): Promise<(Account & { tenantName: string }) | null> {
  const [row] = await db.rows<Account & { tenantName: string }>(sql`
    select ${accountColumns}, t.name as "tenantName" from users u join tenants t on t.id = u.tenant_id
    where u.tenant_id = ${db.tenantId}::uuid and u.id = ${userId}::uuid`);
  return row ?? null;
}
