import type { Role } from '@olympus/contracts';
import { sql, type SystemDb } from '@olympus/database';

/** Who an issuer says somebody is. */
export interface Subject {
  readonly issuer: string;
  readonly subject: string;
}

/** A user whom a subject is linked with, as they stand now. */
export interface LinkedUser {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  readonly active: boolean;
  /** The locations that the user is kept to; empty: all. */
  readonly locationIds: readonly string[];
  /** Whether the tenant is. */
  readonly suspended: boolean;
  readonly timeZone: string;
  readonly currency: string;
}

export async function findLinked(db: SystemDb, { issuer, subject }: Subject): Promise<LinkedUser | null> {
  const [row] = await db.rows<LinkedUser>(sql`
    select u.id as "userId", u.tenant_id as "tenantId", u.role, u.active, u.location_ids as "locationIds",
           t.time_zone as "timeZone", t.currency, t.suspended_at is not null as suspended
    from identities i join users u on u.tenant_id = i.tenant_id and u.id = i.user_id
    join tenants t on t.id = u.tenant_id
    where i.issuer = ${issuer} and i.subject = ${subject}`);
  return row ?? null;
}

/**
 * Links a subject with the active user who has this address, of this tenant where one is named, and has shown us that it
 * is theirs: whoever opens an account with another's address must not get its owner linked into it. A user whom the issuer
 * knows by another subject is left alone: an address that was given to somebody else must not give them the user. So are
 * the platform's users: a provider that one tenant's configuration trusts must not reach all tenants.
 */
export async function linkByEmail(
  db: SystemDb,
  { issuer, subject }: Subject,
  by: { email: string; tenantId: string | null; now: Date },
): Promise<void> {
  const { email, tenantId, now } = by;
  await db.rows(sql`
    insert into identities (tenant_id, issuer, subject, user_id, created_at)
    select u.tenant_id, ${issuer}, ${subject}, u.id, ${now} from users u join tenants t on t.id = u.tenant_id
    where not t.platform and u.role <> 'super_admin' and u.email = ${email} and u.email_verified_at is not null and u.active
      and (${tenantId}::uuid is null or u.tenant_id = ${tenantId}::uuid)
      and not exists (select from identities i where i.tenant_id = u.tenant_id and i.user_id = u.id and i.issuer = ${issuer})
    on conflict do nothing`);
}

/** A user who is new here, with an address that the issuer has verified, linked at once. Nothing happens where the tenant does not exist or the address is in use. */
export async function insertLinkedUser(
  db: SystemDb,
  { issuer, subject }: Subject,
  user: { id: string; tenantId: string; email: string; name: string; role: Role; passwordHash: string; now: Date },
): Promise<void> {
  await db.rows(sql`
    with added as (
      insert into users (tenant_id, id, email, name, role, active, password_hash, email_verified_at,
                         created_at, updated_at, version)
      select t.id, ${user.id}::uuid, ${user.email}, ${user.name}, ${user.role}, true, ${user.passwordHash},
             ${user.now}, ${user.now}, ${user.now}, 1
      from tenants t where t.id = ${user.tenantId}::uuid and not t.platform
      on conflict (email) do nothing returning tenant_id, id)
    insert into identities (tenant_id, issuer, subject, user_id, created_at)
    select tenant_id, ${issuer}, ${subject}, id, ${user.now} from added`);
}

export interface PendingSignIn {
  readonly provider: string;
  readonly redirectUri: string;
}

export async function insertPending(
  db: SystemDb,
  pending: PendingSignIn & { stateHash: string; expiresAt: Date },
): Promise<void> {
  await db.rows(sql`
    insert into pending_sign_ins (state_hash, provider, redirect_uri, expires_at)
    values (${pending.stateHash}, ${pending.provider}, ${pending.redirectUri}, ${pending.expiresAt})`);
}

/** Takes a sign-in out, once; null for one that is unknown, used or too old. */
export async function takePending(db: SystemDb, stateHash: string, now: Date): Promise<PendingSignIn | null> {
  const [row] = await db.rows<PendingSignIn & { expiresAt: Date }>(sql`
    delete from pending_sign_ins where state_hash = ${stateHash}
    returning provider, redirect_uri as "redirectUri", expires_at as "expiresAt"`);
  return row && row.expiresAt > now ? row : null;
}
