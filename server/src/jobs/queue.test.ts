import { sql, type Database } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kinds, type Installation } from '../events/testing/installation.ts';
import { openQueue, type Queue } from './queue.ts';

const queues = {
  letters: { retries: 3, expireSeconds: 60 },
  parcels: { retries: 0, expireSeconds: 60, concurrency: 3 },
  sweep: { retries: 0, expireSeconds: 60 },
};

describe.each(kinds)('the queue of jobs on %s', (_, install) => {
  let installation: Installation;
  let database: Database;
  const log = { error: vi.fn(), warn: vi.fn() };
  /** Another replica, with connections of its own. */
  const open = async () => openQueue({ database: await installation.open(), log, queues });
  const opened: Queue[] = [];
  beforeAll(async () => {
    installation = await install();
    ({ database } = installation);
    // As many replicas as may start at once, none of which finds tables.
    opened.push(...(await Promise.all(Array.from({ length: 5 }, open))));
  });
  afterAll(async () => {
    await Promise.all(opened.map((queue) => queue.stop()));
    await installation.remove();
  });
  const states = () =>
    database.systemDb.rows<{ state: string; retries: number }>(sql`
      select state::text, retry_count as retries from pgboss.job where name = 'letters' order by created_on desc`);

  it('is set up once by replicas that start together, for the system role and nobody else', async () => {
    expect(await database.systemDb.rows(sql`select name from pgboss.queue order by name`)).toEqual([
      { name: 'letters' },
      { name: 'parcels' },
      { name: 'sweep' },
    ]);
    const owners = await database.systemDb.rows(sql`
      select distinct tableowner from pg_tables where schemaname = 'pgboss'`);
    expect(owners).toEqual([{ tableowner: 'olympus_system' }]);
    const tenant = database.tenant('01890a5d-ac96-774b-bcce-b302099a8057');
    await expect(tenant.rows(sql`select data from pgboss.job`)).rejects.toMatchObject({ code: '42501' });
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('runs a job whose transaction has committed, once, and none that was undone', async () => {
    const seen: unknown[] = [];
    for (const queue of opened.slice(0, 3)) queue.work('letters', async (data) => void seen.push(data));
    const [queue] = opened as [Queue];
    const data = { to: 'Zoë', nested: [1, { "quote's": '"' }] };
    const undone = database.systemTransaction(async (db) => {
      await queue.send(db, { queue: 'letters', data: { to: 'nobody' } });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await database.systemTransaction((db) => queue.send(db, { queue: 'letters', data }));
    await vi.waitFor(async () => expect((await states())[0]?.state).toBe('completed'), { timeout: 8000, interval: 50 });
    await sleep(300);
    expect(seen).toEqual([data]);
  });

  it('keeps a job for later that fails, and tells of it without its data', async () => {
    const queue = await open();
    opened.push(queue);
    const secret = 'what the job is about';
    const failing = vi.fn(() => Promise.reject(new Error('no server')));
    const other = 'sweep';
    queue.work(other, failing);
    await database.systemTransaction((db) => queue.send(db, { queue: other, data: { secret } }));
    await vi.waitFor(() => expect(log.error).toHaveBeenCalled(), { timeout: 8000 });
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({ job: other, err: new Error('no server') }),
      expect.stringContaining('failed'),
    );
    expect(JSON.stringify(log.error.mock.calls)).not.toContain(secret);
    await queue.stop();
  });

  it('takes one job of a name in its time', async () => {
    const [queue] = opened as [Queue];
    const once = { name: 'Ada', seconds: 3600 };
    const send = (name = once.name) =>
      database.systemTransaction((db) => queue.send(db, { queue: 'letters', data: { name }, once: { ...once, name } }));
    const before = (await states()).length;
    await Promise.all([send(), send(), send(), send('Bob')]);
    expect((await states()).length).toBe(before + 2);
  });

  it('does in one replica what is due for all', async () => {
    const run = vi.fn(async () => {});
    const replicas = await Promise.all(Array.from({ length: 3 }, open));
    opened.push(...replicas);
    for (const queue of replicas) queue.every('sweep', 3600, run);
    await vi.waitFor(() => expect(run).toHaveBeenCalled(), { timeout: 8000 });
    await sleep(500);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('runs as many jobs at once as the queue says, each when it is due, and tells how many wait', async () => {
    const queue = await open();
    opened.push(queue);
    const send = (n: number, at?: Date) =>
      database.systemTransaction((db) => queue.send(db, { queue: 'parcels', data: { n }, ...(at && { at }) }));
    const later = new Date(Date.now() + 1500);
    await send(0, later);
    for (let n = 1; n <= 7; n++) await send(n);
    const figures = async () => (await queue.figures()).find(({ queue: name }) => name === 'parcels');
    expect(await figures()).toMatchObject({ waiting: 8, running: 0 });
    const ran: { n: number; at: number }[] = [];
    let most = 0;
    let running = 0;
    queue.work('parcels', async ({ n }: { n: number }) => {
      most = Math.max(most, ++running);
      await sleep(60);
      running--;
      ran.push({ n, at: Date.now() });
    });
    await vi.waitFor(() => expect(ran).toHaveLength(8), { timeout: 8000, interval: 20 });
    expect(most).toBe(3);
    expect(ran.at(-1)?.n).toBe(0);
    expect(ran.at(-1)?.at).toBeGreaterThanOrEqual(later.getTime());
    await vi.waitFor(
      async () => expect(await figures()).toMatchObject({ waiting: 0, running: 0, oldestSeconds: 0 }),
      20_000,
    );
    await queue.stop();
  });

  it('takes back at once what a process left running that was alone on its database', async () => {
    const queue = await open();
    opened.push(queue);
    await database.systemTransaction((db) => queue.send(db, { queue: 'parcels', data: { n: 'left' } }));
    // As a process leaves it that has died.
    await database.systemDb.rows(sql`
      update pgboss.job set state = 'active', started_on = now() where name = 'parcels' and state = 'created'`);
    const next = await openQueue({ database, log, queues, alone: true });
    opened.push(next);
    const run = vi.fn(async () => {});
    next.work('parcels', run);
    await vi.waitFor(() => expect(run).toHaveBeenCalledWith({ n: 'left' }), { timeout: 3000 });
    await next.stop();
  });

  it('waits for the job that runs when it is stopped, and takes no other', async () => {
    const queue = await open();
    let ended = 0;
    const run = vi.fn(async () => {
      await sleep(300);
      ended++;
    });
    for (const other of opened) await other.stop();
    queue.work('letters', run);
    for (let n = 0; n < 3; n++)
      await database.systemTransaction((db) => queue.send(db, { queue: 'letters', data: { n } }));
    await vi.waitFor(() => expect(run).toHaveBeenCalled(), { timeout: 8000, interval: 5 });
    await queue.stop();
    expect(ended).toBe(run.mock.calls.length);
    expect(ended).toBeLessThan(3);
    // What it left is there for the next process.
    const next = await open();
    opened.push(next);
    next.work('letters', run);
    await vi.waitFor(() => expect(ended).toBe(3), { timeout: 8000 });
  });
});
