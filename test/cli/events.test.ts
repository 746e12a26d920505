import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventsCommands } from '@olympus/server/cli/events.ts';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { password, Shop } from '../security/shop.ts';

describe('olympus events', () => {
  let olympus: Olympus;
  let shop: Shop;
  let folder: string;
  beforeAll(async () => {
    olympus = await startOlympus();
    shop = await Shop.open(olympus.app);
    folder = await mkdtemp(join(tmpdir(), 'olympus-cli-'));
  });
  afterAll(async () => {
    await olympus.close();
    await rm(folder, { recursive: true });
  });

  /** The command within this process, which spares two seconds of starting one for each case. */
  async function run(...args: string[]): Promise<{ code: number; output: string }> {
    let output = '';
    const write = (chunk: unknown) => (output += String(chunk)) !== '';
    const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(write));
    const signIn = { OLYMPUS_URL: olympus.url, OLYMPUS_EMAIL: shop.owner.user.email, OLYMPUS_PASSWORD: password };
    for (const [name, value] of Object.entries(signIn)) vi.stubEnv(name, value);
    const program = new Command('olympus').exitOverride();
    eventsCommands(program);
    try {
      await program.parseAsync(['events', ...args], { from: 'user' });
      return { code: 0, output };
    } catch (error) {
      return { code: 1, output: `${output}${(error as Error).message}` };
    } finally {
      for (const spy of spies) spy.mockRestore();
      vi.unstubAllEnvs();
    }
  }

  it('lists, shows, edits and discards dead letters', async () => {
    const id = await shop.fresh('deadLetter');
    expect((await run('consumers')).output).toMatch(
      /^idle\t\d+\t[^\t]+\t[1-9]\d*\t0\t0\torder\.created,product\.created$/m,
    );
    const listed = await run('dead-letters', 'list', '--consumer', 'idle');
    expect(listed.output).toContain(`${id}\t`);
    expect(listed.output).toMatch(/order\.created.*is away\n/);
    const shown = await run('dead-letters', 'show', id);
    expect(JSON.parse(shown.output)).toMatchObject({ deadLetter: { id, state: 'dead' }, heldBehind: 0 });
    const file = join(folder, 'payload.json');
    await writeFile(file, JSON.stringify(await shop.letterContent()));
    expect(JSON.parse((await run('dead-letters', 'edit', id, file)).output)).toMatchObject({
      deadLetter: { id, version: 2, editedBy: shop.owner.user.id },
    });
    await writeFile(file, '{"type":"order.updated"}');
    expect(await run('dead-letters', 'edit', id, file)).toMatchObject({
      code: 1,
      output: expect.stringContaining('payload.type must stay order.created') as string,
    });
    expect((await run('dead-letters', 'discard', id)).output).toBe('discarded\n');
    expect((await run('dead-letters', 'show', id)).output).toContain('DEAD_LETTER_NOT_FOUND');
  });

  it('says what it would redrive and replay, unless it is told to', async () => {
    expect((await run('dead-letters', 'redrive', '--type', 'product.created')).output).toBe(
      '0 dead letters, with 0 events behind them, would be tried again; --execute does it\n',
    );
    await shop.replayable();
    expect((await run('replay', '--consumer', 'idle', '--type', 'order.created')).output).toMatch(
      /^\d events would be replayed; --execute does it\n$/,
    );
    expect((await run('replay', '--consumer', 'idle', '--execute')).output).toMatch(
      /^\d events are replayed as [\da-f-]{36}\n$/,
    );
    expect(await run('replay', '--consumer', 'nobody')).toMatchObject({
      code: 1,
      output: expect.stringContaining('CONSUMER_NOT_FOUND') as string,
    });
  });
});
