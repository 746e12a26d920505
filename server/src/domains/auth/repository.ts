import type { Tenant, User } from '@olympus/contracts';
import { sql, type Db, type SQL, type SystemDb } from '@olympus/database';

/** A user with what signing them in needs of their tenant. */
export interface Account extends User {
  readonly tenantId: string;
  readonly timeZone: string;
  readonly currency: string;
  /** Whether the tenant is. */
  readonly suspended: boolean;
}

export interface NewOwner {
  readonly tenantId: string;
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly createdAt: Date;
  readonly emailVerifiedAt: Date | null;
}
/** What signing in needs to know before the password is checked. */
export interface KnownUser {
  readonly tenantId: string;
  readonly id: string;
  readonly passwordHash: string;
  readonly emailVerifiedAt: Date | null;
  readonly totpEnabled: boolean;
}

const totpEnabled = sql`exists (select from totp_factors f
  where f.tenant_id = u.tenant_id and f.user_id = u.id and f.confirmed_at is not null) as "totpEnabled"`;
const accountColumns = sql`
  u.tenant_id as "tenantId", u.id, u.email, u.name, u.role, u.active, u.version, u.location_ids as "locationIds",
  u.created_at as "createdAt", u.updated_at as "updatedAt", t.time_zone as "timeZone", t.currency,
  t.suspended_at is not null as suspended`;

export async function insertTenant(db: SystemDb, tenant: Tenant & { createdAt: Date }): Promise<void> {
  await db.rows(sql`
    insert into tenants (id, name, time_zone, currency, created_at)
    values (${tenant.id}::uuid, ${tenant.name}, ${tenant.timeZone}, ${tenant.currency}, ${tenant.createdAt})`);
}

/** False when the e-mail address is in use. */
export async function insertOwner(db: SystemDb, owner: NewOwner): Promise<boolean> {
  const rows = await db.rows(sql`
    insert into users (tenant_id, id, email, name, role, active, password_hash, email_verified_at, created_at, updated_at, version)
    values (${owner.tenantId}::uuid, ${owner.id}::uuid, ${owner.email}, ${owner.name}, 'owner', true,
            ${owner.passwordHash}, ${owner.emailVerifiedAt}, ${owner.createdAt}, ${owner.createdAt}, 1)
    on conflict (email) do nothing returning id`);
  return rows.length > 0;
}

export async function findPassword(db: SystemDb, email: string): Promise<KnownUser | null> {
  const [row] = await db.rows<KnownUser>(sql`
    select u.tenant_id as "tenantId", u.id, u.password_hash as "passwordHash", u.email_verified_at as "emailVerifiedAt",
           ${totpEnabled}
    from users u where u.email = ${email} and u.active`);
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

export interface OwnAccount extends Account {
  readonly tenantName: string;
  readonly emailVerifiedAt: Date | null;
  readonly totpEnabled: boolean;
}

export async function findMe(db: Db, userId: string): Promise<OwnAccount | null> {
  const [row] = await db.rows<OwnAccount>(sql`
    select ${accountColumns}, t.name as "tenantName", u.email_verified_at as "emailVerifiedAt", ${totpEnabled}
    from users u join tenants t on t.id = u.tenant_id
    where u.tenant_id = ${db.tenantId}::uuid and u.id = ${userId}::uuid`);
  return row ?? null;
}

/** The platform's user who acts in another tenant, with that tenant's terms. */
export async function findActor(
  db: SystemDb,
  { userId, tenantId }: { userId: string; tenantId: string },
): Promise<OwnAccount | null> {
  const [row] = await db.rows<OwnAccount>(sql`
    select ${accountColumns}, t.name as "tenantName", u.email_verified_at as "emailVerifiedAt", ${totpEnabled}
    from users u join tenants o on o.id = u.tenant_id and o.platform join tenants t on t.id = ${tenantId}::uuid
    where u.id = ${userId}::uuid`);
  return row ?? null;
}

export async function findKeyIdentity(
  db: Db,
  id: string,
): Promise<{ id: string; name: string; expiresAt: Date | null } | null> {
  const [row] = await db.rows<{ id: string; name: string; expiresAt: Date | null }>(sql`
    select id, name, expires_at as "expiresAt" from api_keys
    where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid`);
  return row ?? null;
}
