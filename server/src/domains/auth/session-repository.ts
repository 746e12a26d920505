import type { DeviceSession } from '@olympus/contracts';
import { sql, type Db, type SystemDb } from '@olympus/database';
import type { List } from '../paging.ts';
import type { SessionState } from './authenticator.ts';
import type { Origin } from './devices.ts';
import type { Claims } from './tokens.ts';

/** Whose session it is. */
interface Owner {
  readonly tenantId: string;
  readonly id: string;
}
export interface NewSession extends Origin {
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}
export interface NewToken {
  readonly id: string;
  readonly familyId: string;
  readonly hash: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export async function insertSession(db: SystemDb, { tenantId, id: userId }: Owner, session: NewSession): Promise<void> {
  const { id, device, address, createdAt, expiresAt } = session;
  await db.rows(sql`
    insert into sessions (tenant_id, id, user_id, device, address, created_at, last_used_at, expires_at)
    values (${tenantId}::uuid, ${id}::uuid, ${userId}::uuid, ${device}, ${address}, ${createdAt}, ${createdAt}, ${expiresAt})`);
}

export async function insertToken(db: SystemDb, { tenantId, id: userId }: Owner, token: NewToken): Promise<void> {
  await db.rows(sql`
    insert into refresh_tokens (tenant_id, id, user_id, family_id, token_hash, created_at, expires_at)
    values (${tenantId}::uuid, ${token.id}::uuid, ${userId}::uuid, ${token.familyId}::uuid, ${token.hash},
            ${token.createdAt}, ${token.expiresAt})`);
}

/** Spends a token that may be spent, once; its session, or null. */
export async function spendToken(db: SystemDb, hash: string, now: Date): Promise<string | null> {
  const [row] = await db.rows<{ familyId: string }>(sql`
    update refresh_tokens set spent_at = ${now}
    where token_hash = ${hash} and spent_at is null and expires_at > ${now}
    returning family_id as "familyId"`);
  return row?.familyId ?? null;
}

/** False when the session has ended. */
export async function renewSession(
  db: SystemDb,
  { tenantId }: Owner,
  session: { id: string; address: string; now: Date; expiresAt: Date },
): Promise<boolean> {
  const rows = await db.rows(sql`
    update sessions set address = ${session.address}, last_used_at = ${session.now}, expires_at = ${session.expiresAt}
    where tenant_id = ${tenantId}::uuid and id = ${session.id}::uuid and ended_at is null returning id`);
  return rows.length > 0;
}

/**
 * A token that was spent before, presented again while its session stands. `pair` is what it was exchanged for; null when
 * that has been spent too, so that whoever presents the token has no answer to wait for.
 */
export async function findSpent(
  db: SystemDb,
  hash: string,
  successorHash: string,
): Promise<{ familyId: string; spentAt: Date; pair: { id: string; createdAt: Date } | null } | null> {
  const [row] = await db.rows<{ familyId: string; spentAt: Date; id: string | null; createdAt: Date | null }>(sql`
    select r.family_id as "familyId", r.spent_at as "spentAt", n.id, n.created_at as "createdAt"
    from refresh_tokens r
    join sessions s on s.tenant_id = r.tenant_id and s.id = r.family_id and s.ended_at is null
    left join refresh_tokens n on n.token_hash = ${successorHash} and n.tenant_id = r.tenant_id
      and n.family_id = r.family_id and n.spent_at is null
    where r.token_hash = ${hash} and r.spent_at is not null`);
  if (!row) return null;
  const { familyId, spentAt, id, createdAt } = row;
  return { familyId, spentAt, pair: id !== null && createdAt !== null ? { id, createdAt } : null };
}

/** Whether it stood until now. */
export async function endSession(
  db: SystemDb | Db,
  { tenantId, userId }: { tenantId: string; userId?: string },
  { id, now }: { id: string; now: Date },
): Promise<boolean> {
  const owned = userId === undefined ? sql`` : sql`and user_id = ${userId}::uuid and expires_at > ${now}`;
  const rows = await db.rows(sql`
    update sessions set ended_at = ${now}
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and ended_at is null ${owned} returning id`);
  return rows.length > 0;
}

/** Ends all sessions of a user that stand, save one; which they were. */
export async function endOtherSessions(
  db: SystemDb | Db,
  { tenantId, userId }: { tenantId: string; userId: string },
  { kept, now }: { kept: string | null; now: Date },
): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    update sessions set ended_at = ${now}
    where tenant_id = ${tenantId}::uuid and user_id = ${userId}::uuid and ended_at is null and expires_at > ${now}
      and id is distinct from ${kept}::uuid
    returning id`);
  return rows.map(({ id }) => id);
}

/** The session of a token of this user; null when it is not theirs. */
export async function findFamily(db: Db, userId: string, hash: string): Promise<string | null> {
  const [row] = await db.rows<{ familyId: string }>(sql`
    select family_id as "familyId" from refresh_tokens
    where tenant_id = ${db.tenantId}::uuid and user_id = ${userId}::uuid and token_hash = ${hash}`);
  return row?.familyId ?? null;
}

/** For a platform user who acts in another tenant, whether their session stands in their own, and how that other one does. */
export async function readSession(
  db: SystemDb,
  claims: Claims,
  now: Date,
): Promise<(SessionState & { lastUsedAt: Date }) | null> {
  const { tenantId, userId, sessionId, actor } = claims;
  const [row] = await db.rows<SessionState & { lastUsedAt: Date }>(sql`
    select u.role, u.location_ids as "locationIds", t.time_zone as "timeZone", t.currency, s.last_used_at as "lastUsedAt",
           t.suspended_at is not null or o.suspended_at is not null as suspended, u.email_verified_at is not null as "emailVerified"
    from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id join tenants o on o.id = s.tenant_id
    join tenants t on t.id = ${tenantId}::uuid
    where s.tenant_id = ${actor?.tenantId ?? tenantId}::uuid and s.id = ${sessionId}::uuid and s.user_id = ${userId}::uuid
      and (${actor === null} or (o.platform and u.role = 'super_admin'))
      and s.ended_at is null and s.expires_at > ${now} and u.active`);
  return row ?? null;
}

/** Several replicas may want to; the first has done it for all. */
export async function touchSession(
  db: SystemDb,
  { tenantId, sessionId, actor }: Claims,
  { now, notSince }: { now: Date; notSince: Date },
): Promise<void> {
  await db.rows(sql`
    update sessions set last_used_at = ${now}
    where tenant_id = ${actor?.tenantId ?? tenantId}::uuid and id = ${sessionId}::uuid and last_used_at <= ${notSince}`);
}

export const sessionList = (
  db: Db,
  { userId, current, now }: { userId: string; current: string | null; now: Date },
): List<DeviceSession, DeviceSession> => ({
  name: `sessions of ${userId}`,
  select: sql`id, device, address, created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt",
    id is not distinct from ${current}::uuid as current`,
  from: sql`from sessions`,
  where: [
    sql`tenant_id = ${db.tenantId}::uuid`,
    sql`user_id = ${userId}::uuid`,
    sql`ended_at is null`,
    sql`expires_at > ${now}`,
  ],
  id: sql`id`,
  sortable: {
    lastUsedAt: { column: sql`last_used_at`, type: 'timestamptz' },
    createdAt: { column: sql`created_at`, type: 'timestamptz' },
  },
  item: (session) => session,
});
