import { openDatabase, sql } from '@olympus/database';
import { consumerOf, notesOf, serve } from '@olympus/server/events/consumers/testing.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process of its own that does nothing but consume a tenant's events, and tells of each; to be killed. */
const { DATABASE_URL: url, OLYMPUS_DATA_DIR: dataDir = '', CONSUMED_TENANT: tenantId = '' } = process.env;
const database = await openDatabase(url === undefined ? { dataDir } : { url });

const consumer = consumerOf({ name: 'effects', tenantId }, async (event, { once }) => {
  const notes = notesOf(event);
  await once(async (db) => {
    // A key of its own each time, so that an effect that came twice would be two rows.
    await db.rows(sql`
      insert into idempotency_keys (tenant_id, principal, key, procedure, input_hash, answer, created_at, expires_at)
      values (${tenantId}::uuid, ${notes}, gen_random_uuid()::text, ${event.subjectId}, 'x', '{}',
              clock_timestamp(), now() + interval '1 day')`);
  });
  process.stdout.write(`<${notes}>`);
  // So that it may be killed between an effect and the bookkeeping.
  await sleep(15);
});
const serving = serve(database, [consumer]);
process.stdout.write('ready 0 ');
process.on('SIGTERM', () => {
  void serving
    .stop()
    .then(() => database.close())
    .then(() => process.exit(0));
});
