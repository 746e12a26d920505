import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pgErrorCode, sql, type Database } from './index.ts';
import { kinds, tenantA, type TestDatabase } from './testing/databases.ts';

describe.each(kinds)('statements that go with the commit on %s', (_name, open) => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await open();
    db = test.db;
  }, 60_000);
  afterAll(() => test.remove());

  const bodies = async () =>
    (await db.tenant(tenantA).rows<{ body: string }>(sql`select body from notes order by id`)).map(({ body }) => body);
  const note = (body: string, amount: number) =>
    sql`insert into notes (tenant_id, body, amount) values (${tenantA}::uuid, ${body}, ${amount})`;

  it('run last, in their order, under the tenant, again and again', async () => {
    for (const round of [1, 2, 3])
      await db.transaction(tenantA, async (tx) => {
        tx.withCommit(note(`third ${round}`, 3));
        tx.withCommit(note(`fourth ${round}`, 4));
        await tx.rows(note(`first ${round}`, 1));
        await tx.savepoint((inner) => inner.rows(note(`second ${round}`, 2)));
      });
    const round = (n: number) => ['first', 'second', 'third', 'fourth'].map((turn) => `${turn} ${n}`);
    expect(await bodies()).toEqual([...round(1), ...round(2), ...round(3)]);
  });

  it('undo everything when one fails, and leave a good connection behind', async () => {
    const before = await bodies();
    for (let n = 0; n < 12; n++) {
      const failing = db.transaction(tenantA, async (tx) => {
        await tx.rows(note('undone', 1));
        tx.withCommit(note('undone too', 2));
        tx.withCommit(sql`select 1 / ${0}::int as never`);
        tx.withCommit(note('never run', 3));
      });
      expect(pgErrorCode(await failing.catch((error: unknown) => error))).toBe('22012');
    }
    expect(await bodies()).toEqual(before);
    await db.transaction(tenantA, async (tx) => tx.withCommit(note('fine', 1)));
    expect(await bodies()).toEqual([...before, 'fine']);
  });

  it('do not run when the work fails', async () => {
    const before = await bodies();
    const failing = db.transaction(tenantA, async (tx) => {
      tx.withCommit(note('never', 1));
      throw new Error('on the way');
    });
    await expect(failing).rejects.toThrow('on the way');
    expect(await bodies()).toEqual(before);
  });

  it('are tried again with the rest after a failure that only a repetition cures', async () => {
    let runs = 0;
    await db.transaction(tenantA, async (tx) => {
      runs++;
      tx.withCommit(note('repeated', runs));
      if (runs === 1) tx.withCommit(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
    });
    expect(runs).toBe(2);
    expect((await bodies()).filter((body) => body === 'repeated')).toHaveLength(1);
  });
});
