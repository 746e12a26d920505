import type { User } from '@olympus/contracts';
import { sql, type SystemDb } from '@olympus/database';

export type Purpose = 'resetPassword' | 'verifyEmail';
/** A user with their tenant. */
interface UserKey {
  readonly tenantId: string;
  readonly id: string;
}
interface Addressee extends UserKey {
  readonly emailVerifiedAt: Date | null;
}
interface NewMailToken {
  readonly id: string;
  readonly purpose: Purpose;
  readonly email: string;
  readonly hash: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** How many of one purpose a user may have been sent within an hour. */
  readonly perHour: number;
}

const key = ({ tenantId, id }: UserKey) => sql`tenant_id = ${tenantId}::uuid and id = ${id}::uuid`;
const links = ({ tenantId, id }: UserKey, purpose: Purpose) =>
  sql`tenant_id = ${tenantId}::uuid and user_id = ${id}::uuid and purpose = ${purpose}`;

export async function findAddressee(db: SystemDb, email: string): Promise<Addressee | null> {
  const [row] = await db.rows<Addressee>(sql`
    select tenant_id as "tenantId", id, email_verified_at as "emailVerifiedAt"
    from users where email = ${email} and active`);
  return row ?? null;
}

/** False when the user was sent enough of them within the last hour. */
export async function insertMailToken(db: SystemDb, user: UserKey, token: NewMailToken): Promise<boolean> {
  const hourAgo = new Date(token.createdAt.getTime() - 3_600_000);
  const rows = await db.rows(sql`
    insert into mail_tokens (tenant_id, id, user_id, purpose, email, token_hash, created_at, expires_at)
    select ${user.tenantId}::uuid, ${token.id}::uuid, ${user.id}::uuid, ${token.purpose}, ${token.email}, ${token.hash},
           ${token.createdAt}::timestamptz, ${token.expiresAt}::timestamptz
    where (select count(*) from mail_tokens
           where ${links(user, token.purpose)} and created_at > ${hourAgo}) < ${token.perHour}::int
    returning 1`);
  return rows.length > 0;
}

export async function deleteMailToken(db: SystemDb, hash: string): Promise<void> {
  await db.rows(sql`delete from mail_tokens where token_hash = ${hash}`);
}

/** Uses a token up: whose it is, if it is good and its address is still the user’s. Those of the same purpose go with it. */
export async function takeMailToken(
  db: SystemDb,
  { purpose, hash, now }: { purpose: Purpose; hash: string; now: Date },
): Promise<(UserKey & { email: string }) | null> {
  const [user] = await db.rows<UserKey & { email: string }>(sql`
    with taken as (
      delete from mail_tokens where token_hash = ${hash} and purpose = ${purpose} and expires_at > ${now}
      returning tenant_id, user_id, email)
    select u.tenant_id as "tenantId", u.id, u.email from taken
    join users u on u.tenant_id = taken.tenant_id and u.id = taken.user_id and u.email = taken.email
    where u.active for no key update of u`);
  if (!user) return null;
  await db.rows(sql`delete from mail_tokens where ${links(user, purpose)}`);
  return user;
}

export async function findCredentials(
  db: SystemDb,
  user: UserKey,
): Promise<{ email: string; passwordHash: string } | null> {
  const [row] = await db.rows<{ email: string; passwordHash: string }>(sql`
    select email, password_hash as "passwordHash" from users where ${key(user)} and active`);
  return row ?? null;
}

/** The user as they are then; null when the password is no longer `expected`: without one it is set whatever it was. Links for a new one are void. */
export async function setPassword(
  db: SystemDb,
  user: UserKey,
  { passwordHash, expected, now }: { passwordHash: string; expected?: string; now: Date },
): Promise<User | null> {
  const [changed] = await db.rows<User>(sql`
    update users set password_hash = ${passwordHash}, updated_at = ${now}, version = version + 1
    where ${key(user)} and active ${expected === undefined ? sql`` : sql`and password_hash = ${expected}`}
    returning id, email, name, role, active, location_ids as "locationIds", created_at as "createdAt",
      updated_at as "updatedAt", version`);
  if (!changed) return null;
  await db.rows(sql`delete from mail_tokens where ${links(user, 'resetPassword')}`);
  return changed;
}

export async function setVerified(db: SystemDb, user: UserKey, now: Date): Promise<void> {
  await db.rows(sql`update users set email_verified_at = coalesce(email_verified_at, ${now}) where ${key(user)}`);
}
