import { openDatabase, type Database } from '@olympus/database';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { randomIds } from './ids.ts';
import { loadSecrets, type Secrets } from './secrets.ts';

describe('secrets', () => {
  let database: Database;
  let dataDir: string;
  let secrets: Secrets[];
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'olympus-secrets-'));
    database = await openDatabase({ dataDir });
    secrets = await Promise.all(Array.from({ length: 5 }, () => loadSecrets(database, systemClock, randomIds)));
  });
  afterAll(async () => {
    await database.close();
    await rm(dataDir, { recursive: true });
  });

  test('are the same for replicas that start at once, and after a restart', async () => {
    const later = await loadSecrets(database, systemClock, randomIds);
    const macs = [...secrets, later].map((one) => one.mac('a purpose', 'text'));
    expect(new Set(macs).size).toBe(1);
    expect(macs[0]).toMatch(/^[\w-]{43}$/);
  });

  test('of one purpose tell nothing of another’s', () => {
    const [one] = secrets as [Secrets];
    expect(one.mac('a', 'text')).not.toBe(one.mac('b', 'text'));
    const sealed = one.seal('a', 'hidden', 'context');
    expect(() => one.open('b', sealed, 'context')).toThrow('unable to authenticate');
  });

  test('open what they have sealed, in its context and unchanged only', () => {
    const [one, other] = secrets as [Secrets, Secrets];
    const sealed = one.seal('a', 'hidden ünïcode', 'user 1');
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('hidden');
    expect(other.open('a', sealed, 'user 1')).toBe('hidden ünïcode');
    expect(one.seal('a', 'hidden ünïcode', 'user 1')).not.toBe(sealed);
    expect(() => one.open('a', sealed, 'user 2')).toThrow('unable to authenticate');
    const bytes = Buffer.from(sealed, 'base64url');
    for (const at of [0, 13, bytes.length - 1]) {
      const forged = Buffer.from(bytes);
      forged[at]! ^= 1;
      expect(() => one.open('a', forged.toString('base64url'), 'user 1')).toThrow('unable to authenticate');
    }
    for (const cut of ['', 'AAAA', sealed.slice(0, 24)])
      expect(() => one.open('a', cut, 'user 1')).toThrow(/authenticat|tag|vector|length/i);
  });
});
