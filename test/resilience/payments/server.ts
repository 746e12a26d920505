import { sql } from '@olympus/database';
import { startApp } from '@olympus/server/app.ts';
import { readConfig } from '@olympus/server/config.ts';
import { existsSync } from 'node:fs';

/**
 * A server that stands still at the boundary of the order workflow which the number of an order names, such as
 * `begun-capture/1`, for as long as the file `HOLD_FILE` is there: so that it can be killed exactly then.
 */
const holdFile = process.env['HOLD_FILE'] ?? '';
const app = await startApp(readConfig(), {
  async onOrderBoundary({ tenantId, orderId, point }) {
    if (!existsSync(holdFile)) return;
    const [order] = await app.database.tenant(tenantId).rows<{ number: string }>(sql`
      select number from orders where tenant_id = ${tenantId}::uuid and id = ${orderId}::uuid`);
    const [named = ''] = order?.number.split('/') ?? [];
    // An order whose time is to be over need not be waited for.
    if (named === 'expired' && point === 'noted authorize')
      await app.database.transaction(tenantId, (db) =>
        db.rows(sql`
          update order_workflows set deadline_at = now()
          where tenant_id = ${tenantId}::uuid and order_id = ${orderId}::uuid`),
      );
    if (named !== point.replace(' ', '-')) return;
    process.stdout.write(`holding ${order?.number}\n`);
    await new Promise(() => {});
  },
});
app.heedSignals();
process.stdout.write(`ready at ${app.url}\n`);
