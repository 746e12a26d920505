import type { Database, SystemDb } from '@olympus/database';
import type { Clock } from './clock.ts';
import { standingAt, type StandingKey } from './key-ring.ts';
import { makeSigningKey, refreshMs } from './keys.ts';
import { deleteSigningKeys, insertSigningKey, lockKeys, readSigningKeys, revokeSigningKeys } from './key-store.ts';

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
}

/** Beside the time that others may keep the key set: until every replica has looked, with room for clocks that differ. */
const settleMs = 2 * refreshMs;
const dayMs = 86_400_000;

export const listKeys = async ({ database, clock }: Parts): Promise<StandingKey[]> =>
  standingAt(await readSigningKeys(database.systemDb), clock.now());

/**
 * Publishes a new key that begins to sign once whoever keeps the key set has had the time to fetch it again. One that
 * waits already is left to come first: then `made` is false.
 */
export async function rotate(
  parts: Parts,
  jwksCacheSeconds: number,
): Promise<{ kid: string; from: Date; made: boolean }> {
  const fresh = await makeSigningKey();
  return underLock(parts, async (db, keys, now) => {
    const waiting = keys.find(({ state }) => state === 'next');
    if (waiting) return { kid: waiting.record.kid, from: waiting.record.signsFrom, made: false };
    const waitMs = keys.some(({ state }) => state === 'current') ? jwksCacheSeconds * 1000 + settleMs : 0;
    const from = new Date(now.getTime() + waitMs);
    await insertSigningKey(db, { ...fresh, createdAt: now, signsFrom: from });
    return { kid: fresh.kid, from, made: true };
  });
}

/** A key was seen by others: a new one signs at once, and nothing that any older one signed is good any more. */
export async function rotateNow(parts: Parts): Promise<{ kid: string; revoked: string[] }> {
  const fresh = await makeSigningKey();
  return underLock(parts, async (db, keys, now) => {
    const revoked = keys.filter(({ state }) => state !== 'retired').map(({ record }) => record.kid);
    const all = keys.map(({ record }) => record.kid);
    await revokeSigningKeys(db, all, now);
    await insertSigningKey(db, { ...fresh, createdAt: now, signsFrom: now });
    return { kid: fresh.kid, revoked };
  });
}

/** Ends one key at once. The one that signs needs a successor first. */
export const retire = (parts: Parts, kid: string): Promise<'retired' | 'unknown' | 'current'> =>
  underLock(parts, async (db, keys, now) => {
    const key = keys.find(({ record }) => record.kid === kid);
    if (!key || key.state === 'retired') return 'unknown';
    if (key.state === 'current') return 'current';
    await revokeSigningKeys(db, [kid], now);
    return 'retired';
  });

/** What is done by the clock: rotates where the current key has signed for `rotationDays` (0: never), and drops what is retired. */
export async function tendKeys(
  parts: Parts,
  { rotationDays, jwksCacheSeconds }: { rotationDays: number; jwksCacheSeconds: number },
): Promise<void> {
  const keys = await listKeys(parts);
  const now = parts.clock.now().getTime();
  const current = keys.find(({ state }) => state === 'current');
  const waits = keys.some(({ state }) => state === 'next');
  if (rotationDays > 0 && current && !waits && now - current.record.signsFrom.getTime() >= rotationDays * dayMs)
    await rotate(parts, jwksCacheSeconds);
  // Oldest first, up to one that is still good: when that one ends is told by those that followed it.
  const stillGood = keys.findLastIndex(({ state }) => state !== 'retired');
  const retired = keys.slice(stillGood + 1).map(({ record }) => record.kid);
  if (retired.length > 0) await deleteSigningKeys(parts.database.systemDb, retired);
}

const underLock = <T>(
  { database, clock }: Parts,
  work: (db: SystemDb, keys: StandingKey[], now: Date) => Promise<T>,
): Promise<T> =>
  database.systemTransaction(async (db) => {
    await lockKeys(db);
    const now = clock.now();
    return work(db, standingAt(await readSigningKeys(db), now), now);
  });
