import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { DataFolderInUse, array, isUnavailable, openDatabase, pgErrorCode, sql } from '../index.ts';
import { makeFolder, openEmbedded, tenantA, type TestFolder } from '../testing/databases.ts';
import { watchTurns } from '../testing/turns.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function folder(): TestFolder {
  const made = makeFolder();
  cleanups.push(() => made.remove());
  return made;
}

async function opened(...args: Parameters<typeof openEmbedded>): ReturnType<typeof openEmbedded> {
  const test = await openEmbedded(...args);
  cleanups.push(() => test.remove());
  return test;
}

/** Runs `child.ts`; `lines` grows as it prints. */
function run(
  task: string,
  { path, migrations }: TestFolder,
): { child: ChildProcess; lines: string[]; printed(): Promise<void> } {
  const file = fileURLToPath(new URL('../testing/child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file, task, join(path, 'db'), migrations], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return {
    child,
    lines,
    printed: async () => {
      while (lines.length === 0) await once(child.stdout, 'data');
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

describe('the data folder', () => {
  it('is for its owner only, and refuses a second user in the same process', async () => {
    const { options } = await opened();
    const dataDir = options.dataDir ?? '';
    for (const path of [dataDir, join(dataDir, 'data')]) expect((statSync(path).mode & 0o777).toString(8)).toBe('700');
    await expect(openDatabase(options)).rejects.toThrow(DataFolderInUse);
    await expect(openDatabase(options)).rejects.toThrow(`in use by process ${process.pid}`);
  });

  it('refuses a second process with its name, and lets it in right after kill -9', async () => {
    const place = folder();
    const holder = run('hold', place);
    await holder.printed();
    expect(holder.lines).toEqual(['open']);
    const second = run('once', place);
    await once(second.child, 'exit');
    expect(second.lines.join()).toMatch(new RegExp(`^DataFolderInUse: .*${place.path}.* process ${holder.child.pid};`));
    await kill(holder.child);
    const before = performance.now();
    const third = run('once', place);
    await once(third.child, 'exit');
    expect(third.lines).toEqual(['open']);
    expect(performance.now() - before).toBeLessThan(8000);
  }, 80_000);

  it('may lie deeper than the path of a socket reaches', async () => {
    const place = folder();
    const dataDir = join(place.path, 'deep'.repeat(20), 'deeper'.repeat(20));
    const db = await openDatabase({ dataDir, migrationsFolder: place.migrations });
    await expect(openDatabase({ dataDir, migrationsFolder: place.migrations })).rejects.toThrow(DataFolderInUse);
    await db.close();
    const again = await openDatabase({ dataDir, migrationsFolder: place.migrations });
    await again.close();
  }, 40_000);

  it('lets one of three in that ask at once', async () => {
    const place = folder();
    const processes = [run('hold', place), run('hold', place), run('hold', place)];
    await Promise.all(processes.map((each) => each.printed()));
    const answers = processes.map(({ lines }) => lines[0]?.split(':')[0]);
    expect(answers.filter((answer) => answer === 'open')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'DataFolderInUse')).toHaveLength(2);
  }, 80_000);

  it('loses nothing acknowledged over eight rounds of kill -9', async () => {
    const place = folder();
    const acknowledged: string[] = [];
    for (let round = 0; round < 8; round++) {
      const writer = run('write', place);
      await writer.printed();
      await new Promise((done) => setTimeout(done, 100 + Math.random() * 300));
      await kill(writer.child);
      acknowledged.push(...writer.lines.slice(1));
    }
    const db = await openDatabase({ dataDir: join(place.path, 'db'), migrationsFolder: place.migrations });
    cleanups.push(() => db.close());
    const rows = await db.systemDb.rows<{ id: string }>(sql`select id from entries`);
    const kept = new Set(rows.map(({ id }) => id));
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    // At most the one write a round that was on its way when the process died.
    expect(kept.size - acknowledged.length).toBeLessThanOrEqual(8);
  }, 180_000);
});

describe('the one session', () => {
  it('is restarted when a statement is over its limit, with the data intact', async () => {
    const { db } = await opened({ statementTimeoutMs: 500 });
    await db.systemDb.rows(sql`insert into counters values (1, 7)`);
    const endless = db.systemDb.rows(sql`select count(*) from generate_series(1, 1000000000) a`);
    const waiting = db.tenant(tenantA).rows(sql`select 1`);
    const errors = await Promise.all(
      [endless, waiting].map((call) =>
        call.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(errors[0]).toBeInstanceOf(Error);
    expect(isUnavailable(errors[0])).toBe(true);
    await expect
      .poll(() => db.systemDb.rows(sql`select value from counters where id = 1`).catch(() => []), { timeout: 5000 })
      .toEqual([{ value: '7' }]);
    expect(await db.tenant(tenantA).rows(sql`select current_user as role`)).toEqual([{ role: 'olympus_app' }]);
  }, 40_000);

  it('rolls back what is idle in a transaction for too long, and serves the others', async () => {
    const { db } = await opened({ idleTransactionMs: 200 });
    const idle = db.systemTransaction(async (tx) => {
      await tx.rows(sql`insert into counters values (1, 1)`);
      await new Promise((done) => setTimeout(done, 600));
      await tx.rows(sql`insert into counters values (2, 2)`);
    });
    const other = db.tenant(tenantA).rows(sql`select 1 as one`);
    await expect(idle).rejects.toSatisfy(isUnavailable);
    expect(await other).toEqual([{ one: 1 }]);
    expect(await db.systemDb.rows(sql`select * from counters`)).toEqual([]);
  }, 40_000);

  it('survives callers that give up, at any moment of their statement', async () => {
    const { db } = await opened({ queryTimeoutMs: 300, poolSize: 2 });
    await db.systemDb.rows(sql`insert into counters values (1, 1)`);
    const blocked = db.systemTransaction(async (tx) => {
      await tx.rows(sql`update counters set value = 2`);
      const late = await Promise.all(
        [1, 2].map(() =>
          db
            .tenant(tenantA)
            .rows(sql`select 1`)
            .catch(() => 'late'),
        ),
      );
      expect(late).toEqual(['late', 'late']);
    });
    await expect(blocked).resolves.toBeUndefined();
    const huge = db.tenant(tenantA).rows(sql`select repeat('x', 1000) from generate_series(1, 400000)`);
    await expect(huge).rejects.toSatisfy(isUnavailable);
    const value = (): Promise<unknown[]> => db.systemDb.rows(sql`select value from counters`).catch(() => []);
    await expect.poll(value, { timeout: 10_000 }).toEqual([{ value: '2' }]);
    // The statements that those connections had prepared are gone with them.
    expect(await db.systemDb.rows(sql`select count(*) < 10 as few from pg_prepared_statements`)).toEqual([
      { few: true },
    ]);
  }, 60_000);

  it('keeps no role or setting from one connection to the next', async () => {
    const { db } = await opened();
    await db.systemDb.rows(sql`set role postgres`).catch(() => {});
    await db.systemDb.rows(sql`set application_name = 'left behind'`);
    await db.tenant(tenantA).rows(sql`select 1`);
    const [row] =
      await db.app`select current_user as role, current_setting('application_name') as name, current_setting('app.tenant_id', true) as tenant`;
    expect(row).toEqual({ role: 'olympus_app', name: 'olympus', tenant: '' });
  }, 40_000);

  it('refuses COPY and goes on', async () => {
    const { db } = await opened();
    const refused = await db.systemDb.rows(sql`copy counters from stdin`).catch((error: unknown) => error);
    expect(pgErrorCode(refused)).toBe('0A000');
    await expect(db.system.unsafe('copy counters to stdout')).rejects.toThrow(/unnest/);
    await expect(db.systemTransaction((tx) => tx.rows(sql`copy counters (id) from stdin`))).rejects.toThrow(/unnest/);
    expect(await db.systemDb.rows(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  }, 40_000);
});

describe('the main thread', () => {
  it('never waits for the database: imports, heavy statements and large results', async ({ skip }) => {
    const { db } = await opened();
    await db.tenant(tenantA).rows(sql`select 1`);
    const turns = watchTurns() ?? skip('this system does not tell how much processor time a thread took');
    cleanups.push(() => turns.end());
    const started = performance.now();
    for (let at = 0; at < 50_000; at += 500) {
      const numbers = Array.from({ length: 500 }, (_, n) => at + n);
      await db.transaction(tenantA, (tx) =>
        tx.rows(sql`
        insert into notes (tenant_id, body, amount)
        select ${tenantA}, body, amount from unnest(${array(numbers.map((n) => `note ${n}`))}::text[], ${array(numbers)}::numeric[]) as n (body, amount)`),
      );
    }
    const seconds = (performance.now() - started) / 1000;
    await db
      .tenant(tenantA)
      .rows(sql`select count(*) from notes a, generate_series(1, 40) b where md5(a.body || b) like '0%'`);
    let read = 0;
    for await (const rows of db.tenant(tenantA).stream(sql`select * from notes`, 1000)) read += rows.length;
    expect(read).toBe(50_000);
    const longest = turns.longestMs();
    console.info(`50,000 rows in ${seconds.toFixed(1)} s; longest turn ${longest.toFixed(0)} ms`);
    expect(longest).toBeLessThan(50);
  }, 120_000);
});
