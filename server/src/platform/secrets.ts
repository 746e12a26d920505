import { sql, type Database, type SystemDb } from '@olympus/database';
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';

/** Keys of the installation for one purpose each, the same for all replicas and after every restart. */
export interface Secrets {
  /** HMAC-SHA256 in base64url: what nobody without the installation's secret can work out. */
  mac(purpose: string, text: string): string;
  /** Encrypts with AES-256-GCM; only the same `context` opens it again. */
  seal(purpose: string, text: string, context: string): string;
  /** Throws for what was not sealed here for this purpose and context. */
  open(purpose: string, sealed: string, context: string): string;
}

const id = 'secrets';
const ivBytes = 12;
const tagBytes = 16;

/** Reads the installation's secret, after making it if it is missing: of replicas that start at once the first one's stays. */
export async function loadSecrets(database: Database, clock: Clock, ids: Ids): Promise<Secrets> {
  const secret = (await read(database.systemDb)) ?? (await make(database.systemDb, ids.secret(32), clock.now()));
  return createSecrets(Buffer.from(secret, 'base64url'));
}

async function read(db: SystemDb): Promise<string | null> {
  const [row] = await db.rows<{ secret: string }>(sql`select material->>'k' as secret from keys where id = ${id}`);
  return row?.secret ?? null;
}

async function make(db: SystemDb, secret: string, now: Date): Promise<string> {
  const material = JSON.stringify({ kty: 'oct', k: secret });
  await db.rows(sql`
    insert into keys (id, purpose, material, created_at) values (${id}, ${id}, ${material}::text::jsonb, ${now})
    on conflict (id) do nothing`);
  return (await read(db)) ?? secret;
}

function createSecrets(secret: Uint8Array): Secrets {
  const derived = new Map<string, Buffer>();
  // RFC 5869: what one purpose's key gives away tells nothing of another's.
  const keyOf = (purpose: string) => {
    let key = derived.get(purpose);
    if (!key) derived.set(purpose, (key = Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))));
    return key;
  };
  return {
    mac: (purpose, text) => createHmac('sha256', keyOf(purpose)).update(text).digest('base64url'),
    seal(purpose, text, context) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', keyOf(purpose), iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(purpose, sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', keyOf(purpose), bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}
