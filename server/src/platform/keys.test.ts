import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '@olympus/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { randomIds } from './ids.ts';
import { loadKeys } from './keys.ts';

let dataDir: string;
let database: Database;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'olympus-keys-'));
  database = await openDatabase({ dataDir });
});
afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true });
});

const load = () => loadKeys(database, systemClock, randomIds);

test('replicas that start at once agree on the keys, which outlive them', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, load));
  expect(new Set(all.map((keys) => keys.signer().kid)).size).toBe(1);
  expect(new Set(all.map(({ cursorSecret }) => Buffer.from(cursorSecret).toString('hex'))).size).toBe(1);
  expect(all[0]?.cursorSecret).toHaveLength(32);
  expect((await load()).published()).toEqual(all[0]?.published());
});

test('what is published holds no private part', async () => {
  const keys = await load();
  expect(keys.published().keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: keys.signer().kid, alg: 'EdDSA', use: 'sig' },
  ]);
});
