import { openDatabase, sql } from '../index.ts';
import { tenantA } from './databases.ts';

/** A process of its own for the tests that kill one. `write` prints each id after its commit; `hold` prints `open` and stays. */
const [task, dataDir, migrationsFolder] = process.argv.slice(2) as [string, string, string];

try {
  const db = await openDatabase({ dataDir, migrationsFolder });
  process.stdout.write('open\n');
  if (task === 'write') {
    for (;;) {
      const id = crypto.randomUUID();
      await db.transaction(tenantA, (tx) => tx.rows(sql`insert into entries values (${id})`));
      process.stdout.write(`${id}\n`);
    }
  }
  if (task === 'hold') setInterval(() => {}, 1000);
  else await db.close();
} catch (error) {
  process.stdout.write(`${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`);
  process.exit(1);
}
