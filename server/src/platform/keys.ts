import { sql, type Database, type SystemDb } from '@olympus/database';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';

export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** The installation's keys and secrets, the same for all replicas and after every restart. */
export interface Keys {
  /** The newest one; what the older ones signed is still verified. */
  readonly signingKey: SigningKey;
  readonly verificationKeys: ReadonlyMap<string, CryptoKey>;
  /** For `/.well-known/jwks.json`. */
  readonly publicKeys: { readonly keys: readonly JWK[] };
  /** 32 bytes that seal the cursors of lists. */
  readonly cursorSecret: Uint8Array;
}

interface Row {
  purpose: 'signing' | 'cursors';
  material: JWK;
}

/** Any number will do, as long as nothing else in the database locks it. */
const lock = '5201874436';

/** Reads the keys, after making those that are missing. Replicas that start at once agree: the first to lock makes them. */
export async function loadKeys(database: Database, clock: Clock, ids: Ids): Promise<Keys> {
  let rows = await read(database.systemDb);
  if (isMissing(rows)) {
    const fresh = await make(ids);
    rows = await database.systemTransaction(async (db) => {
      await db.rows(sql`select pg_advisory_xact_lock(${lock}::bigint)`);
      const found = await read(db);
      if (isMissing(found)) await write(db, fresh, clock.now());
      return read(db);
    });
  }
  return parse(rows);
}

const isMissing = (rows: readonly Row[]): boolean =>
  !['signing', 'cursors'].every((purpose) => rows.some((row) => row.purpose === purpose));

async function make(ids: Ids): Promise<(Row & { id: string })[]> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return [
    { id: kid, purpose: 'signing', material: { ...jwk, kid, alg: 'EdDSA', use: 'sig' } },
    { id: 'cursors', purpose: 'cursors', material: { kty: 'oct', k: ids.secret(32) } },
  ];
}

const read = (db: SystemDb): Promise<Row[]> =>
  db.rows<Row>(sql`select purpose, material from keys order by created_at desc, id`);

async function write(db: SystemDb, keys: readonly (Row & { id: string })[], now: Date): Promise<void> {
  for (const { id, purpose, material } of keys)
    await db.rows(sql`
      insert into keys (id, purpose, material, created_at)
      select ${id}, ${purpose}, ${JSON.stringify(material)}::text::jsonb, ${now}
      where not exists (select from keys where purpose = ${purpose})`);
}

async function parse(rows: readonly Row[]): Promise<Keys> {
  const signing = rows.filter(({ purpose }) => purpose === 'signing').map(({ material }) => material);
  const publicKeys = signing.map(({ d: _private, ...jwk }) => jwk);
  const [newest] = signing;
  const cursors = rows.find(({ purpose }) => purpose === 'cursors')?.material.k;
  if (!newest?.kid || !cursors) throw new Error('the table of keys holds no usable keys');
  return {
    signingKey: { kid: newest.kid, privateKey: await toKey(newest) },
    verificationKeys: new Map(
      await Promise.all(publicKeys.map(async (jwk) => [jwk.kid ?? '', await toKey(jwk)] as const)),
    ),
    publicKeys: { keys: publicKeys },
    cursorSecret: Buffer.from(cursors, 'base64url'),
  };
}

const toKey = async (jwk: JWK): Promise<CryptoKey> => (await importJWK(jwk, 'EdDSA')) as CryptoKey;
