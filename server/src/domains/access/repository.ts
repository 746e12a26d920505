import type { Role } from '@olympus/contracts';
import { sql, type SystemDb } from '@olympus/database';

/** A user with all that decides what they may do now. */
export interface UserFacts {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly suspendedAt: Date | null;
  readonly suspendedFor: string | null;
  readonly userId: string;
  readonly email: string;
  readonly role: Role;
  readonly active: boolean;
  readonly emailVerifiedAt: Date | null;
  readonly locationIds: readonly string[];
  readonly sessions: string;
}
export interface KeyFacts extends UserFacts {
  readonly keyId: string;
  readonly keyName: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly revokedAt: Date | null;
  readonly expiresAt: Date | null;
}

const facts = (now: Date) => sql`
  t.id as "tenantId", t.name as "tenantName", t.suspended_at as "suspendedAt", t.suspended_for as "suspendedFor",
  u.id as "userId", u.email, u.role, u.active, u.location_ids as "locationIds", u.email_verified_at as "emailVerifiedAt",
  (select count(*) from sessions s where s.tenant_id = u.tenant_id and s.user_id = u.id
   and s.ended_at is null and s.expires_at > ${now}) as sessions`;

/** By e-mail address or id. */
export async function findUserFacts(db: SystemDb, name: string, now: Date): Promise<UserFacts | null> {
  const [row] = await db.rows<UserFacts>(sql`
    select ${facts(now)} from users u join tenants t on t.id = u.tenant_id
    where u.email = ${name.toLowerCase()} or u.id::text = ${name.toLowerCase()}`);
  return row ?? null;
}

/** By id or prefix. */
export async function findKeyFacts(db: SystemDb, name: string, now: Date): Promise<KeyFacts | null> {
  const [row] = await db.rows<KeyFacts>(sql`
    select ${facts(now)}, k.id as "keyId", k.name as "keyName", k.prefix, k.scopes, k.revoked_at as "revokedAt",
           k.expires_at as "expiresAt"
    from api_keys k join users u on u.tenant_id = k.tenant_id and u.id = k.created_by join tenants t on t.id = k.tenant_id
    where k.id::text = ${name.toLowerCase()} or k.prefix = ${name}`);
  return row ?? null;
}
