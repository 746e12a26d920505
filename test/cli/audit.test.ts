import type { AuditEntry, AuditHead } from '@olympus/contracts';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOlympus } from '@olympus/client';
import { canonicalJson } from '@olympus/server/audit/chain.ts';
import { auditCommands } from '@olympus/server/cli/audit.ts';
import { openDatabase } from '@olympus/database';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';

const password = 'correct horse battery';
const formula = '=HYPERLINK("http://evil.example")';

describe('the audit log of a server', () => {
  let olympus: Olympus;
  let shop: Session;
  let tenantId: string;
  let head: AuditHead;
  let folder: string;
  beforeAll(async () => {
    olympus = await startOlympus();
    shop = await olympus.tenant({ password });
    folder = await mkdtemp(join(tmpdir(), 'olympus-cli-'));
    const token = shop.accessToken;
    const me = await rest<{ tenant: { id: string } }>(olympus.url, { path: '/auth/me', token });
    tenantId = me.body.tenant.id;
    for (const name of ['Ada', '=1+1'])
      await rest(olympus.url, {
        method: 'POST',
        path: '/customers',
        token,
        body: { name },
        headers: { 'user-agent': formula },
      });
    head = (await rest<AuditHead>(olympus.url, { path: '/audit/head', token })).body;
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
    const signIn = { OLYMPUS_URL: olympus.url, OLYMPUS_EMAIL: shop.user.email, OLYMPUS_PASSWORD: password };
    for (const [name, value] of Object.entries({ ...signIn, ...olympus.store.env })) vi.stubEnv(name, value);
    const program = new Command('olympus').exitOverride();
    auditCommands(program);
    for (const command of program.commands[0]?.commands ?? []) command.exitOverride();
    try {
      await program.parseAsync(['audit', ...args], { from: 'user' });
      return { code: Number(process.exitCode ?? 0), output };
    } catch (error) {
      const { exitCode = 1, message } = error as { exitCode?: number; message: string };
      return { code: exitCode, output: `${output}${message}` };
    } finally {
      process.exitCode = undefined;
      spies.forEach((spy) => spy.mockRestore());
      vi.unstubAllEnvs();
    }
  }

  it('is exported as NDJSON, whose hashes anybody can compute', async () => {
    const file = join(folder, 'audit.ndjson');
    expect(await run('export', file)).toEqual({ code: 0, output: '' });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as AuditEntry);
    expect(entries.map(({ procedure }) => procedure).slice(0, 3)).toEqual([
      'auth.register',
      'customers.create',
      'customers.create',
    ]);
    let hash = createHash('sha256').update(tenantId).digest();
    for (const { hash: told, ...entry } of entries) {
      hash = createHash('sha256').update(hash).update(canonicalJson(entry)).digest();
      expect(told).toBe(hash.toString('hex'));
      if (entry.sequence === head.sequence) expect(told).toBe(head.hash);
    }
    expect(entries.length).toBeGreaterThanOrEqual(head.sequence);
  });

  it('is exported as CSV that no spreadsheet runs', async () => {
    const { code, output } = await run('export', '--format', 'csv', '--procedure', 'customers.create');
    expect(code, output).toBe(0);
    const [header, ...rows] = output.trimEnd().split('\n');
    expect(header).toMatch(/^sequence,id,createdAt,outcome,code,procedure,/);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toContain(`,"'${formula.replaceAll('"', '""')}",`);
    expect(rows[1]).toContain('"{""name"":""=1+1""}"');
  });

  it('is streamed to the client with dates', async () => {
    const api = createOlympus({ url: olympus.url });
    await api.auth.login.mutate({ email: shop.user.email, password });
    const entries: AuditEntry[] = [];
    const range = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };
    for await (const entry of api.audit.export.stream({ ...range, procedure: 'customers.create' })) entries.push(entry);
    expect(entries).toMatchObject([{ createdAt: expect.any(Date) }, { userAgent: formula }]);
    expect(entries[0]?.after?.['createdAt']).toBeTypeOf('string');
  });

  it('is refused to those who may not read it, and is not told wrong flags', async () => {
    const { accessToken: token } = shop;
    const email = `staff-${Date.now()}@shop.test`;
    await rest(olympus.url, {
      method: 'POST',
      path: '/users',
      token,
      body: { email, name: 'S', role: 'staff', password },
    });
    expect(await run('export', '--email', email)).toMatchObject({
      code: 1,
      output: expect.stringContaining('the export was refused'),
    });
    expect((await run('verify', '--tenant', 'mine')).output).toContain('It must be the id of a tenant.');
    expect((await run('verify', '--head', 'latest')).output).toContain('It must be a sequence and a hash');
    expect((await run('verify', '--head', `1:${head.hash}`)).output).toContain('--head needs --tenant');
  });

  it('is verified from the database, also against a head that was kept', async () => {
    // The embedded database has one process at a time.
    await olympus.app.close();
    const kept = `${head.sequence}:${head.hash}`;
    const verified = await run('verify', '--tenant', tenantId, '--head', kept);
    expect(verified, verified.output).toMatchObject({ code: 0 });
    expect(verified.output).toMatch(
      new RegExp(`^${tenantId} ok, \\d+ entries, head \\d+:[0-9a-f]{64}\n1 chain, 0 broken\n`),
    );

    const { env } = olympus.store;
    const database = await openDatabase({
      dataDir: env['OLYMPUS_DATA_DIR'] ?? '',
      ...(env['DATABASE_URL'] ? { url: env['DATABASE_URL'] } : {}),
    });
    await database.app.begin((sql) =>
      sql
        .unsafe(
          `set local role none; alter table audit_entries disable trigger audit_entries_guard;
           update audit_entries set user_agent = 'nobody' where tenant_id = '${tenantId}' and sequence = 2`,
        )
        .simple(),
    );
    await database.close();
    expect(await run('verify')).toEqual({
      code: 1,
      output: expect.stringContaining(`${tenantId} BROKEN at 2: the entry is not what was sealed`),
    });
  }, 120_000);
});
