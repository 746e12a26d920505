import type { Database, SystemDb } from '@olympus/database';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';
import { standingAt, type KeyRecord, type KeyState } from './key-ring.ts';
import {
  insertCursorSecret,
  insertSigningKey,
  lockKeys,
  noteTokenLife,
  readCursorSecret,
  readSigningKeys,
} from './key-store.ts';
import { importKey, lookAgain, rarely, type ImportedKey, type SigningKeys } from './signing-keys.ts';

/** The installation's keys and secrets, the same for all replicas and after every restart. */
export interface Keys extends SigningKeys {
  /** 32 bytes that seal the cursors of lists. */
  readonly cursorSecret: Uint8Array;
  /** Follows what others change, and notes how long the tokens live that are signed here. Resolves to what ends it. */
  follow(options: { tokenSeconds: number; log: Pick<Logger, 'error'> }): Promise<() => void>;
}

/** How often a process looks for changes of the keys. */
export const refreshMs = 1000;

interface Held extends ImportedKey {
  readonly record: KeyRecord;
}

/** Reads the keys, after making those that are missing. Replicas that start at once agree: the first to lock makes them. */
export async function loadKeys(database: Database, clock: Clock, ids: Ids): Promise<Keys> {
  const { systemDb } = database;
  const cursorSecret = await makeMissing(database, clock, ids);
  const held = new Map<string, Held>();
  let tokenSeconds = 0;

  const look = async (): Promise<void> => {
    const records = await readSigningKeys(systemDb);
    for (const record of records) {
      const known = held.get(record.kid) ?? (await importKey({ ...record.material, kid: record.kid }));
      held.set(record.kid, { ...known, record });
    }
    for (const kid of held.keys()) if (!records.some((record) => record.kid === kid)) held.delete(kid);
    const unaware = standing().filter(({ state, record }) => isLive(state) && record.tokenSeconds < tokenSeconds);
    const kids = unaware.map(({ record }) => record.kid);
    if (kids.length > 0) await noteTokenLife(systemDb, kids, tokenSeconds);
  };
  const standing = () =>
    standingAt(
      [...held.values()].map(({ record }) => record),
      clock.now(),
    );
  const usable = () => standing().filter(({ state }) => state !== 'retired');
  const find: SigningKeys['find'] = (kid) => {
    const key = held.get(kid);
    return key && usable().some(({ record }) => record.kid === kid) ? key : undefined;
  };
  const lookOnDemand = rarely(look, refreshMs);

  await look();
  return {
    cursorSecret: Buffer.from(cursorSecret, 'base64url'),
    signer() {
      const current = standing().find(({ state }) => state === 'current');
      const key = current && held.get(current.record.kid);
      if (!key?.privateKey) throw new Error('the table of keys holds none that signs');
      return { ...key, privateKey: key.privateKey };
    },
    find,
    async findAfresh(kid) {
      await lookOnDemand();
      return find(kid);
    },
    published: () => ({ keys: usable().flatMap(({ record }) => held.get(record.kid)?.publicJwk ?? []) }),
    async follow({ tokenSeconds: seconds, log }) {
      tokenSeconds = seconds;
      await look();
      return lookAgain(look, refreshMs, (err) => log.error({ err }, 'the keys could not be read again'));
    },
  };
}

const isLive = (state: KeyState): boolean => state === 'current' || state === 'next';

/** A fresh Ed25519 key with its private part, named by its thumbprint. */
export async function makeSigningKey(): Promise<{ kid: string; material: JWK }> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const { kid } = await importKey(jwk);
  return { kid, material: { ...jwk, kid, alg: 'EdDSA', use: 'sig' } };
}

async function makeMissing(database: Database, clock: Clock, ids: Ids): Promise<string> {
  const { systemDb } = database;
  const noneSigns = async (db: SystemDb) =>
    !standingAt(await readSigningKeys(db), clock.now()).some(({ state }) => state === 'current');
  const secret = await readCursorSecret(systemDb);
  if (secret !== null && !(await noneSigns(systemDb))) return secret;
  const fresh = await makeSigningKey();
  return database.systemTransaction(async (db) => {
    await lockKeys(db);
    const now = clock.now();
    if (await noneSigns(db)) await insertSigningKey(db, { ...fresh, createdAt: now, signsFrom: now });
    const found = await readCursorSecret(db);
    if (found !== null) return found;
    const made = ids.secret(32);
    await insertCursorSecret(db, made, now);
    return made;
  });
}
