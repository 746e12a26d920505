import { openDatabase, type Database } from '@olympus/database';
import { Command } from 'commander';
import { exportJWK, generateKeyPair } from 'jose';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readConfig } from '../config.ts';
import { keysCommand } from './keys.ts';

let folder: string;
let database: Database;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olympus-cli-'));
  database = await openDatabase({ dataDir: folder });
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

/** What a command line writes. */
async function keys(line: string, env: Record<string, string> = {}): Promise<string> {
  const program = new Command().exitOverride();
  // One database for all of them: to open it takes longer than all they do.
  keysCommand(program, { config: () => readConfig(env), open: async () => ({ ...database, close: async () => {} }) });
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(['keys', ...line.split(' ')], { from: 'user' });
    return written.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    written.mockRestore();
  }
}

test('keys are rotated, listed and retired', async () => {
  const [first = ''] = (await keys('rotate')).split(' ');
  const [second = ''] = (await keys('rotate')).split(' ');
  expect(await keys('rotate')).toContain(`${second} waits already`);
  const lines = (await keys('list')).split('\n').map((line) => line.split(/\s+/).slice(0, 2));
  expect(lines).toEqual([['KID', 'STATE'], [second, 'next'], [first, 'current'], ['']]);
  await expect(keys(`retire ${first}`)).rejects.toThrow(/needs a successor/);
  await expect(keys('retire nothing')).rejects.toThrow(/no key nothing is in use/);
  expect(await keys(`retire ${second}`)).toContain('is retired');
  expect(await keys('rotate --now')).toContain(`Revoked: ${first}.`);
  const told = JSON.parse(await keys('list --json')) as { kid: string; state: string }[];
  expect(told.map(({ state }) => state).sort()).toEqual(['current', 'retired', 'retired']);
});

test('keys of the operator’s own are left alone', async () => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const OLYMPUS_SIGNING_KEYS = JSON.stringify({ keys: [await exportJWK(privateKey)] });
  await expect(keys('rotate', { OLYMPUS_SIGNING_KEYS })).rejects.toThrow(/configured by OLYMPUS_SIGNING_KEYS/);
});
