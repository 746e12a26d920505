import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { configuredKeys, SigningKeySet } from './configured-keys.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olympus-keys-'));
  file = join(folder, 'keys.json');
});
afterAll(() => rm(folder, { recursive: true }));

async function make(kid: string, alg = 'EdDSA') {
  const options = alg === 'EdDSA' ? { crv: 'Ed25519', extractable: true } : { extractable: true };
  return { ...(await exportJWK((await generateKeyPair(alg, options)).privateKey)), kid };
}

test('the first key signs, all are published, and a changed file is followed without a restart', async () => {
  const [a, b] = [await make('a'), await make('b', 'ES256')];
  const set = SigningKeySet.parse({ keys: [a, b] });
  await writeFile(file, JSON.stringify(set));
  const log = { error: vi.fn() };
  const keys = await configuredKeys({ set, file });
  const stop = keys.follow(log);
  expect(keys.signer()).toMatchObject({ kid: 'a', algorithm: 'EdDSA' });
  expect(keys.find('b')?.algorithm).toBe('ES256');
  expect(JSON.stringify(keys.published())).not.toContain('"d"');

  await writeFile(file, '{"keys": [');
  await vi.waitFor(() => expect(log.error).toHaveBeenCalled(), { timeout: 3000 });
  expect(keys.signer().kid).toBe('a');
  await writeFile(file, JSON.stringify({ keys: [b] }));
  await vi.waitFor(() => expect(keys.signer().kid).toBe('b'), { timeout: 3000 });
  expect(keys.find('a')).toBeUndefined();
  stop();
});

test('a private part of another key is refused', async () => {
  const [a, b] = [await make('a'), await make('b')];
  const set = SigningKeySet.parse({ keys: [{ ...a, d: b.d }] });
  await expect(configuredKeys({ set, file: null })).rejects.toThrow(/signing key 0/);
});
