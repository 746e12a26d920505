import { openDatabase, sql, type Database } from '@olympus/database';
import { publish } from '@olympus/server/domains/notifications/announcement.ts';
import { systemClock } from '@olympus/server/platform/clock.ts';
import { randomIds } from '@olympus/server/platform/ids.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createStore, registerTenant, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

const { TEST_DATABASE_URL } = process.env;
const users = 8000;
/** Of consumers. */
const leaseMs = 3000;

let store: Store;
let served: Served | undefined;
afterEach(async () => {
  await served?.stop('SIGKILL');
  await store.remove();
});

async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const { DATABASE_URL: url, OLYMPUS_DATA_DIR: dataDir = '' } = store.env;
  const database = await openDatabase(url === undefined ? { dataDir } : { url });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** A tenant with many users, and an announcement that nobody was told of yet. */
async function announced(): Promise<string> {
  served = await olympus(store.env);
  const { accessToken } = await registerTenant(served.url);
  await served.stop();
  const { tid } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { tid: string };
  await withDatabase(async (database) => {
    await database.systemDb.rows(sql`
      insert into users (tenant_id, id, email, name, role, password_hash, created_at, updated_at)
      select ${tid}::uuid, gen_random_uuid(), gen_random_uuid() || '@many.test', 'Many', 'viewer', '', now(), now()
      from generate_series(2, ${users}::int)`);
    await database.transaction(tid, (db) =>
      publish(
        { db, clock: systemClock, requestId: 'test', stale: new Set() },
        { id: randomIds.next(), title: 'Closed', text: 'On Monday' },
      ),
    );
  });
  return tid;
}

const told = (tenantId: string) =>
  withDatabase(async (database) => {
    const [row] = await database.tenant(tenantId).rows<{
      rows: number;
      users: number;
      live: number;
      unread: number;
    }>(sql`
      select count(*)::int as rows, count(distinct user_id)::int as users,
        (select count(distinct r ->> 'id')::int from events e, jsonb_array_elements(e.payload -> 'recipients') r
         where e.tenant_id = ${tenantId}::uuid and e.type = 'notifications.created') as live,
        (select coalesce(sum(unread), 0)::int from notification_inboxes where tenant_id = ${tenantId}::uuid) as unread
      from notifications where tenant_id = ${tenantId}::uuid`);
    if (!row) throw new Error('a count has a row');
    return row;
  });

describe(`telling thousands on ${TEST_DATABASE_URL ? 'PostgreSQL' : 'the embedded database'}`, () => {
  it('goes on after kills where it was broken off: everybody is told once, in the list and live', async () => {
    store = await createStore();
    const tenantId = await announced();
    const seen: number[] = [];
    // Whoever was killed keeps its lease for some seconds, in which nobody goes on.
    for (let ms = 300; seen.length < 3 && seen.at(-1) !== users; ms += 200) {
      served = await olympus(store.env);
      await sleep(seen.length === 0 ? ms : leaseMs + ms);
      await served.stop('SIGKILL');
      const { rows, ...same } = await told(tenantId);
      expect(same).toEqual({ users: rows, live: rows, unread: rows });
      if (rows > (seen.at(-1) ?? 0)) seen.push(rows);
    }
    expect(seen[0]).toBeLessThan(users);
    for (let attempt = 0; attempt < 5 && (await told(tenantId)).rows < users; attempt++) {
      served = await olympus(store.env);
      await sleep(leaseMs + 3000);
      expect(await served.stop()).toBe(0);
    }
    expect(await told(tenantId)).toEqual({ rows: users, users, live: users, unread: users });
  }, 240_000);
});
