import { array, sql, type SystemDb } from '@olympus/database';
import type { JWK } from 'jose';
import type { KeyRecord } from './key-ring.ts';

/** Any number will do, as long as nothing else in the database locks it. */
const lock = '5201874436';

/** Keeps others from making keys until the transaction ends. */
export async function lockKeys(db: SystemDb): Promise<void> {
  await db.rows(sql`select pg_advisory_xact_lock(${lock}::bigint)`);
}

export const readSigningKeys = (db: SystemDb): Promise<KeyRecord[]> =>
  db.rows<KeyRecord>(sql`
    select id as kid, material, created_at as "createdAt", coalesce(signs_from, created_at) as "signsFrom",
           token_seconds as "tokenSeconds", revoked_at as "revokedAt"
    from keys where purpose = 'signing'`);

export async function insertSigningKey(
  db: SystemDb,
  key: { kid: string; material: JWK; createdAt: Date; signsFrom: Date },
): Promise<void> {
  await db.rows(sql`
    insert into keys (id, purpose, material, created_at, signs_from)
    values (${key.kid}, 'signing', ${JSON.stringify(key.material)}::text::jsonb, ${key.createdAt}, ${key.signsFrom})`);
}

/** Notes that tokens of these keys may live for so long. */
export async function noteTokenLife(db: SystemDb, kids: readonly string[], seconds: number): Promise<void> {
  await db.rows(sql`
    update keys set token_seconds = ${seconds}::int where id = any(${array(kids)}::text[]) and token_seconds < ${seconds}::int`);
}

export async function revokeSigningKeys(db: SystemDb, kids: readonly string[], now: Date): Promise<void> {
  await db.rows(sql`
    update keys set revoked_at = ${now}
    where purpose = 'signing' and id = any(${array(kids)}::text[]) and revoked_at is null`);
}

export async function deleteSigningKeys(db: SystemDb, kids: readonly string[]): Promise<void> {
  await db.rows(sql`delete from keys where purpose = 'signing' and id = any(${array(kids)}::text[])`);
}

/** The secret that seals cursors, base64url; null before the first start. */
export async function readCursorSecret(db: SystemDb): Promise<string | null> {
  const [row] = await db.rows<{ k: string }>(sql`select material->>'k' as k from keys where purpose = 'cursors'`);
  return row?.k ?? null;
}

export async function insertCursorSecret(db: SystemDb, secret: string, now: Date): Promise<void> {
  const material = JSON.stringify({ kty: 'oct', k: secret });
  await db.rows(sql`
    insert into keys (id, purpose, material, created_at)
    values ('cursors', 'cursors', ${material}::text::jsonb, ${now})`);
}
