import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TransactionRolledBack, array, constraintOf, json, pgErrorCode, sql, type Database } from './index.ts';
import { kinds, tenantA, tenantB, type TestDatabase } from './testing/databases.ts';

describe.each(kinds)('queries on %s', (_name, open) => {
  let test: TestDatabase;
  let db: Database;

  beforeAll(async () => {
    test = await open();
    db = test.db;
    await db.systemDb.rows(sql`
      insert into notes (tenant_id, body, amount)
      select case when n % 2 = 0 then ${tenantA}::uuid else ${tenantB}::uuid end, 'note ' || n, n from generate_series(1, 2000) n`);
    await db.transaction(tenantA, (tx) =>
      tx.rows(sql`insert into tags select tenant_id, id, 'odd' from notes where id % 4 = 0`),
    );
    await db.systemDb.rows(sql`insert into counters values (1, 0), (2, 0)`);
  }, 60_000);

  afterAll(() => test.remove());

  describe('types', () => {
    it('reads dates as Date, exact numbers and days as text, json parsed', async () => {
      const [row] = await db.tenant(tenantA).rows(sql`
        select '2010-12-01 08:26:00.123+02'::timestamptz as instant, 1.5000::numeric as exact, 9007199254740993::int8 as big, 7::int4 as small,
          '2010-12-31'::date as day, '{"a":[1,null]}'::jsonb as document, true as yes, null as nothing, '2010-12-01 08:26:00'::timestamp as zoneless`);
      expect(row).toEqual({
        instant: new Date('2010-12-01T06:26:00.123Z'),
        exact: '1.5000',
        big: '9007199254740993',
        small: 7,
        day: '2010-12-31',
        document: { a: [1, null] },
        yes: true,
        nothing: null,
        zoneless: '2010-12-01 08:26:00',
      });
    });

    it('binds every kind of value', async () => {
      const at = new Date('2010-12-01T08:26:00.123Z');
      const [row] = await db.systemDb.rows(sql`
        select ${at}::timestamptz as at, ${'text'}::text as text, ${1.25}::numeric as number, ${true}::boolean as yes, ${'false'}::boolean as no,
          ${null}::text as nothing, ${{ a: 'b"c' }}::jsonb as document, ${json(['x', 1])}::jsonb as list, ${'2010-12-31'}::date as day,
          ${'2010-12-01 08:26:00.123456+00'}::timestamptz = '2010-12-01 08:26:00.123456+00'::timestamptz as exact`);
      expect(row).toEqual({
        at,
        text: 'text',
        number: '1.25',
        yes: true,
        no: false,
        nothing: null,
        document: { a: 'b"c' },
        list: ['x', 1],
        day: '2010-12-31',
        exact: true,
      });
    });

    it('binds and reads arrays with nulls, quotes and no elements', async () => {
      const texts = ['plain', 'qu"ote', 'back\\slash', 'com,ma', '{brace}', 'NULL', '', ' space ', 'ü😀', "it's", null];
      const at = new Date('2011-01-01T00:00:00.000Z');
      const [row] = await db.systemDb.rows(sql`
        select ${array(texts)}::text[] as texts, ${array(['1.50', null])}::numeric[] as numbers, ${array([at, null])}::timestamptz[] as instants,
          ${array([tenantA, null])}::uuid[] as ids, ${array([true, false, null])}::boolean[] as flags, ${array([])}::text[] as none, ${array([1, 2])}::int[] as ints`);
      expect(row).toEqual({
        texts,
        numbers: ['1.50', null],
        instants: [at, null],
        ids: [tenantA, null],
        flags: [true, false, null],
        none: [],
        ints: [1, 2],
      });
    });

    it('refuses a value that no column can hold', async () => {
      await expect(db.systemDb.rows(sql`select ${Symbol('no')}`)).rejects.toThrow(TypeError);
    });
  });

  describe('row-level security', () => {
    const owners = async (statement: ReturnType<typeof sql>): Promise<unknown[]> => db.tenant(tenantA).rows(statement);

    it('runs the pools under their own roles', async () => {
      expect(await db.tenant(tenantA).rows(sql`select current_user as role`)).toEqual([{ role: 'olympus_app' }]);
      expect(await db.systemDb.rows(sql`select current_user as role`)).toEqual([{ role: 'olympus_system' }]);
      expect([...(await db.app`select current_user as role`)]).toEqual([{ role: 'olympus_app' }]);
      expect([...(await db.system`select current_user as role`)]).toEqual([{ role: 'olympus_system' }]);
    });

    it('shows nothing without a tenant', async () => {
      expect([...(await db.app`select * from notes`)]).toEqual([]);
      await expect(db.app`insert into notes (tenant_id, body) values (${tenantA}, 'x')`).rejects.toThrow(
        /row-level security/,
      );
    });

    it.each([
      ['a plain scan', sql`select distinct tenant_id from notes`],
      ['an index scan', sql`select distinct tenant_id from notes where amount > 10 and amount < 90`],
      ['a foreign id', sql`select distinct tenant_id from notes where tenant_id in (${tenantA}, ${tenantB})`],
      ['a join', sql`select distinct n.tenant_id from notes n join tags t on t.note_id = n.id`],
      ['a common table expression', sql`with every as (select * from notes) select distinct tenant_id from every`],
      [
        'a materialized one',
        sql`with every as materialized (select * from notes) select distinct tenant_id from every`,
      ],
      ['a sub-select', sql`select (select min(tenant_id::text)::uuid from notes) as tenant_id`],
      ['a trailing comment', sql`select distinct tenant_id from notes -- all`],
    ])('sees one tenant only through %s', async (_what, statement) => {
      expect(await owners(statement)).toEqual([{ tenant_id: tenantA }]);
    });

    it('counts rightly and keeps the order', async () => {
      const tenant = db.tenant(tenantA);
      expect(await tenant.rows(sql`select count(*) as n, sum(amount) as sum from notes`)).toEqual([
        { n: '1000', sum: '1001000.0000' },
      ]);
      const rising = await tenant.rows<{ amount: string }>(sql`select amount from notes order by amount, id limit 300`);
      expect(rising.map(({ amount }) => Number(amount))).toEqual(Array.from({ length: 300 }, (_, n) => 2 * n + 2));
      const falling = await tenant.rows<{ amount: string }>(
        sql`select amount from notes order by amount desc, id limit 300`,
      );
      expect(falling.map(({ amount }) => Number(amount))).toEqual(Array.from({ length: 300 }, (_, n) => 2000 - 2 * n));
      const joined = await tenant.rows<{ id: string }>(
        sql`select n.id from notes n join tags t on t.note_id = n.id order by n.amount desc limit 20`,
      );
      const ids = joined.map(({ id }) => Number(id));
      expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    });

    it('keeps tenants apart over a thousand interleaved reads of one pool', async () => {
      const reads = Array.from({ length: 1000 }, (_, n) => {
        const tenant = n % 2 === 0 ? tenantA : tenantB;
        return db
          .tenant(tenant)
          .rows<{ tenant_id: string }>(sql`select tenant_id from notes order by id limit 1`)
          .then((rows) => rows[0]?.tenant_id === tenant);
      });
      expect((await Promise.all(reads)).every(Boolean)).toBe(true);
    });

    it('refuses an id that is no UUID', async () => {
      expect(() => db.tenant("' or true --")).toThrow(TypeError);
      await expect(db.transaction("'; drop table notes; --", async () => {})).rejects.toThrow(TypeError);
    });
  });

  describe('transactions', () => {
    it('commits, rolls back, and shows the tenant', async () => {
      const rows = await db.transaction(tenantA, async (tx) => {
        await tx.rows(sql`insert into notes (tenant_id, body) values (${tx.tenantId}, 'kept')`);
        return tx.rows(sql`select current_setting('app.tenant_id') as tenant`);
      });
      expect(rows).toEqual([{ tenant: tenantA }]);
      const failing = db.transaction(tenantA, async (tx) => {
        await tx.rows(sql`insert into notes (tenant_id, body) values (${tenantA}, 'lost')`);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await db.tenant(tenantA).rows(sql`select body from notes where body in ('kept', 'lost')`)).toEqual([
        { body: 'kept' },
      ]);
    });

    it('refuses rows of another tenant', async () => {
      const foreign = db.transaction(tenantA, (tx) =>
        tx.rows(sql`insert into notes (tenant_id, body) values (${tenantB}, 'x')`),
      );
      await expect(foreign).rejects.toThrow(/row-level security/);
    });

    it('lets one item of a batch fail alone', async () => {
      const failed = await db.transaction(tenantA, async (tx) => {
        const codes: (string | undefined)[] = [];
        for (const id of [10, 10, 11]) {
          await tx
            .savepoint((item) => item.rows(sql`insert into counters values (${id}, 0)`))
            .catch((error: unknown) => codes.push(pgErrorCode(error), constraintOf(error)));
        }
        return codes;
      });
      expect(failed).toEqual(['23505', 'counters_pkey']);
      expect(await db.systemDb.rows(sql`select id from counters where id >= 10 order by id`)).toEqual([
        { id: 10 },
        { id: 11 },
      ]);
    });

    it('says so when a swallowed failure undid the work', async () => {
      const lying = db.systemTransaction(async (tx) => {
        await tx.rows(sql`insert into counters values (20, 0)`);
        await tx.rows(sql`select 1 / 0`).catch(() => {});
      });
      await expect(lying).rejects.toThrow(TransactionRolledBack);
      expect(await db.systemDb.rows(sql`select * from counters where id = 20`)).toEqual([]);
    });

    it('refuses statements after its end', async () => {
      const late = await db.systemTransaction(async (tx) => tx);
      await expect(late.rows(sql`select 1`)).rejects.toThrow('the transaction is over');
    });

    it('runs again after a serialization failure', async () => {
      let runs = 0;
      const value = await db.systemTransaction(async (tx) => {
        runs++;
        if (runs < 3) await tx.rows(sql`do $$ begin raise exception using errcode = '40001'; end $$`);
        return runs;
      });
      expect(value).toBe(3);
    });

    it('adds up over 20 clients', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, client) =>
          (async () => {
            for (let n = 0; n < 10; n++) {
              await db.systemTransaction(async (tx) => {
                const [row] = await tx.rows<{ value: string }>(sql`select value from counters where id = 1 for update`);
                await tx.rows(sql`update counters set value = ${Number(row?.value) + 1} where id = 1`);
                const [own] = await tx.rows<{ client: number }>(sql`select ${client}::int as client`);
                expect(own?.client).toBe(client);
                await tx.rows(sql`update counters set value = value + ${n} where id = 2`);
              });
            }
          })(),
        ),
      );
      expect(await db.systemDb.rows(sql`select value from counters where id in (1, 2) order by id`)).toEqual([
        { value: '200' },
        { value: '900' },
      ]);
    });
  });

  describe('streams', () => {
    it('reads a large result in batches, and lets others work meanwhile', async () => {
      const sizes: number[] = [];
      let sum = 0;
      for await (const rows of db
        .tenant(tenantA)
        .stream<{ n: number }>(sql`select n from generate_series(1, ${2500}::int) n order by n`, 1000)) {
        sizes.push(rows.length);
        for (const { n } of rows) sum += n;
        expect(await db.tenant(tenantB).rows(sql`select 1 as one`)).toEqual([{ one: 1 }]);
      }
      expect([sizes, sum]).toEqual([[1000, 1000, 500], (2500 * 2501) / 2]);
    });

    it('sees the tenant only, and can be left early', async () => {
      for await (const rows of db.tenant(tenantA).stream<{ tenant_id: string }>(sql`select tenant_id from notes`, 10)) {
        expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set([tenantA]));
        break;
      }
      expect(db.stats().app.inUse).toBe(0);
      expect(await db.systemDb.rows(sql`select count(*) as n from pg_cursors where name like 'olympus%'`)).toEqual([
        { n: '0' },
      ]);
    });

    it('reads within a transaction', async () => {
      const seen = await db.transaction(tenantA, async (tx) => {
        await tx.rows(sql`insert into notes (tenant_id, body) values (${tenantA}, 'fresh')`);
        let count = 0;
        for await (const rows of tx.stream(sql`select 1 from notes where body = 'fresh'`, 5)) count += rows.length;
        return count;
      });
      expect(seen).toBe(1);
    });
  });

  it('hears notifications, and none after it stopped', async () => {
    const heard: string[] = [];
    const others: string[] = [];
    const stop = await db.listen('olympus_test', (payload) => heard.push(payload));
    const stopOther = await db.listen('Other "channel"', (payload) => others.push(payload));
    await db.systemDb.rows(sql`select pg_notify('olympus_test', ${'one'})`);
    await db.transaction(tenantA, (tx) => tx.rows(sql`select pg_notify('olympus_test', ${'two'})`));
    await db
      .transaction(tenantA, async (tx) => {
        await tx.rows(sql`select pg_notify('olympus_test', ${'rolled back'})`);
        throw new Error('no');
      })
      .catch(() => {});
    await db.systemDb.rows(sql`select pg_notify('Other "channel"', ${'three'})`);
    await expect.poll(() => [heard, others]).toEqual([['one', 'two'], ['three']]);
    await stop();
    await db.systemDb.rows(sql`select pg_notify('olympus_test', ${'four'})`);
    await db.systemDb.rows(sql`select pg_notify('Other "channel"', ${'five'})`);
    await expect.poll(() => others).toEqual(['three', 'five']);
    expect(heard).toEqual(['one', 'two']);
    await stopOther();
  });
});
