import { sql } from '@olympus/database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { randomIds } from '../../platform/ids.ts';
import { kinds, newTenant, orderEvent, until, write, imported, type Installation } from '../testing/installation.ts';
import type { Consumer } from './consumer.ts';
import { consumerOf, notesOf, offsetOf, parkedOf, serve, type Serving } from './testing.ts';

describe.each(kinds)('consumers on %s', (_, install) => {
  let installation: Installation;
  let serving: Serving | undefined;
  beforeAll(async () => {
    installation = await install();
  }, 60_000);
  afterEach(async () => {
    await serving?.stop();
    serving = undefined;
  });
  afterAll(() => installation.remove());

  const start = (...consumers: Consumer[]) => {
    serving = serve(installation.database, consumers);
    return installation.database;
  };
  const name = () =>
    `test-${randomIds
      .secret(6)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, 'x')}`;

  it('hand each event over once while nothing fails, in order of its subject, and remember how far they are', async () => {
    const [tenantId, group] = [newTenant(), name()];
    const seen: string[] = [];
    const database = start(
      consumerOf({ name: group, tenantId }, async (event) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        seen.push(notesOf(event));
      }),
    );
    const subjects = Array.from({ length: 5 }, () => randomIds.next());
    for (let n = 0; n < 40; n++)
      await write(database, tenantId, orderEvent(`${n % 5}:${n}`, { orderId: subjects[n % 5] ?? '' }));
    await write(database, tenantId, imported(3));
    await until(async () => (await offsetOf(database, tenantId, group)) === 41);
    expect(seen).toHaveLength(40);
    for (let subject = 0; subject < 5; subject++)
      expect(seen.filter((text) => text.startsWith(`${subject}:`))).toEqual(
        Array.from({ length: 8 }, (__, round) => `${subject}:${round * 5 + subject}`),
      );
    await serving?.stop();
    seen.length = 0;
    start(consumerOf({ name: group, tenantId }, async (event) => void seen.push(notesOf(event))));
    await write(database, tenantId, orderEvent('later'));
    await until(() => seen.length > 0);
    expect(seen).toEqual(['later']);
  });

  it('try again with growing waits, hold back only the later events of that subject, and go on in order', async () => {
    const [tenantId, group, bad, good] = [newTenant(), name(), randomIds.next(), randomIds.next()];
    const tries: { notes: string; attempt: number; at: number }[] = [];
    let broken = true;
    const database = start(
      consumerOf(
        { name: group, tenantId },
        async (event, { attempt }) => {
          tries.push({ notes: notesOf(event), attempt, at: performance.now() });
          if (broken && event.subjectId === bad) throw new Error('the other side is away');
        },
        { retry: { attempts: 50, firstMs: 20, maxMs: 400 } },
      ),
    );
    for (let n = 0; n < 3; n++) {
      await write(database, tenantId, orderEvent(`bad ${n}`, { orderId: bad }));
      await write(database, tenantId, orderEvent(`good ${n}`, { orderId: good }));
    }
    const seen = (kind: string) => tries.filter(({ notes }) => notes.startsWith(kind)).map(({ notes }) => notes);
    await until(() => seen('good').length === 3 && seen('bad').length >= 3);
    expect(new Set(seen('bad'))).toEqual(new Set(['bad 0']));
    expect(await offsetOf(database, tenantId, group)).toBe(6);
    expect((await parkedOf(database, tenantId, group)).map(({ state }) => state)).toEqual(['retrying', 'held', 'held']);
    broken = false;
    await until(async () => (await parkedOf(database, tenantId, group)).length === 0);
    expect(seen('bad').slice(-3)).toEqual(['bad 0', 'bad 1', 'bad 2']);
    expect(seen('good')).toEqual(['good 0', 'good 1', 'good 2']);
    const attempts = tries.filter(({ notes }) => notes === 'bad 0').map(({ attempt }) => attempt);
    expect(attempts).toEqual(attempts.map((__, n) => n + 1));
  });

  it('give up after the last attempt, keep why without secrets, and leave the rest behind it', async () => {
    const [tenantId, group, bad] = [newTenant(), name(), randomIds.next()];
    let tries = 0;
    const database = start(
      consumerOf({ name: group, tenantId }, async () => {
        tries++;
        throw new Error('login to https://user:hunter2@shop.test failed, token=abc123def', {
          cause: new Error('authorization: Bearer abcdefgh12345678'),
        });
      }),
    );
    await write(database, tenantId, orderEvent('first', { orderId: bad }));
    await write(database, tenantId, orderEvent('second', { orderId: bad }));
    await until(async () => (await parkedOf(database, tenantId, group))[0]?.state === 'dead');
    expect(tries).toBe(3);
    const [dead, held] = await parkedOf(database, tenantId, group);
    expect(dead).toMatchObject({ notes: 'first', attempts: 3 });
    expect(held).toMatchObject({ notes: 'second', state: 'held', attempts: 0 });
    expect(dead?.error).toBe(
      'Error: login to https://[redacted]shop.test failed, token=[redacted] Error: authorization: Bearer [redacted]',
    );
  });

  it('count an attempt that takes too long as failed, and tell it so', async () => {
    const [tenantId, group] = [newTenant(), name()];
    let told = 0;
    const database = start(
      consumerOf(
        { name: group, tenantId },
        (__, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => (told++, resolve()))),
        { timeoutMs: 50, retry: { attempts: 1 } },
      ),
    );
    await write(database, tenantId, orderEvent('slow'));
    await until(async () => (await parkedOf(database, tenantId, group))[0]?.state === 'dead');
    expect(told).toBe(1);
    expect((await parkedOf(database, tenantId, group))[0]?.error).toContain('took longer than 50 ms');
  });

  it('commit an effect once, however often its event comes', async () => {
    const [tenantId, group] = [newTenant(), name()];
    const ran: boolean[] = [];
    const database = start(
      consumerOf({ name: group, tenantId }, async (event, { attempt, once }) => {
        ran.push(
          await once(async (db) => {
            if (attempt === 1) throw new Error('rolled back');
            await db.rows(sql`
              insert into idempotency_keys (tenant_id, principal, key, procedure, input_hash, answer, created_at, expires_at)
              values (${tenantId}::uuid, 'effect', ${event.id}, 'x', 'x', '{}', now(), now() + interval '1 day')`);
          }),
        );
        if (attempt === 2) throw new Error('after the commit');
      }),
    );
    await write(database, tenantId, orderEvent('effect'));
    await until(() => ran.length === 2);
    expect(ran).toEqual([true, false]);
  });

  it('run no more handlers at once than they say', async () => {
    const [tenantId, group] = [newTenant(), name()];
    let [now, most, done] = [0, 0, 0];
    const database = start(
      consumerOf(
        { name: group, tenantId },
        async () => {
          most = Math.max(most, ++now);
          await new Promise((resolve) => setTimeout(resolve, 10));
          now--;
          done++;
        },
        { concurrency: 3 },
      ),
    );
    await Promise.all(Array.from({ length: 30 }, (__, n) => write(database, tenantId, orderEvent(String(n)))));
    await until(() => done === 30);
    expect(most).toBe(3);
  });

  it('serve other subjects while one is slow', async () => {
    const [tenantId, other, group, slow] = [newTenant(), newTenant(), name(), randomIds.next()];
    const seen: string[] = [];
    let free: (() => void) | undefined;
    const database = start({
      name: group,
      types: ['order.created'],
      async handle(event) {
        if (event.tenantId !== tenantId && event.tenantId !== other) return;
        if (event.subjectId === slow) await new Promise<void>((resolve) => (free = resolve));
        seen.push(notesOf(event));
      },
    });
    await write(database, tenantId, orderEvent('slow', { orderId: slow }));
    await write(database, other, orderEvent('quick'));
    await until(() => seen.includes('quick'), 2000);
    await until(() => free !== undefined);
    free?.();
    await until(() => seen.length === 2);
  });

  it('are shared evenly by the processes that serve them, also after one has joined, left or become unable', async () => {
    const [tenantId, group] = [newTenant(), name()];
    const { database } = installation;
    let able = true;
    const parts = async () => {
      const rows = await database.systemDb.rows<{ count: number }>(sql`
        select count(*)::int as count from consumer_leases
        where consumer = ${group} and expires_at > clock_timestamp() group by holder order by count`);
      return rows.map(({ count }) => count).join();
    };
    const one = consumerOf({ name: group, tenantId }, async () => {});
    start(one);
    await until(async () => (await parts()) === '8');
    const second = serve(await installation.open(), [{ ...one, ready: () => able }]);
    await until(async () => (await parts()) === '4,4');
    const third = serve(await installation.open(), [one]);
    await until(async () => (await parts()) === '2,3,3');
    able = false;
    await until(async () => (await parts()) === '4,4');
    await third.stop();
    await until(async () => (await parts()) === '8');
    await second.stop();
  });

  it('refuse names and types that cannot be', () => {
    const handle = async () => {};
    const about = (name: string) => ({ name, tenantId: newTenant() });
    const twice = [consumerOf(about('one'), handle), consumerOf(about('one'), handle)];
    expect(() => serve(installation.database, twice)).toThrow('two consumers named one');
    expect(() => serve(installation.database, [consumerOf(about('Not this'), handle)])).toThrow(
      'cannot be named Not this',
    );
    expect(() => serve(installation.database, [consumerOf(about('none'), handle, { types: [] })])).toThrow(
      'takes no type',
    );
  });
});
