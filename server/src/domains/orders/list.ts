import type { contracts, OrderSummary, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { summaryColumns, toSummary, type SummaryRow } from './order.ts';

type Filters = ParsedInputOf<typeof contracts.orders.list.def>;

/** The orders that a caller asked to see. */
export const orderList = (db: Db, input: Filters): List<SummaryRow, OrderSummary> => ({
  name: 'orders',
  select: summaryColumns,
  from: sql`from orders o`,
  where: [
    sql`o.tenant_id = ${db.tenantId}::uuid`,
    input.status === undefined ? undefined : sql`o.status = ${input.status}`,
    input.kind === undefined ? undefined : sql`o.kind = ${input.kind}`,
    input.customerId === undefined ? undefined : sql`o.customer_id = ${input.customerId}::uuid`,
    input.placedFrom === undefined ? undefined : placedFrom(input.placedFrom),
    input.placedTo === undefined ? undefined : placedTo(input.placedTo),
    input.totalFrom === undefined ? undefined : sql`o.total >= ${input.totalFrom}::numeric`,
    input.totalTo === undefined ? undefined : sql`o.total <= ${input.totalTo}::numeric`,
    // Numbers sort by their bytes, so those that start alike are a range of the index.
    input.q === undefined ? undefined : sql`o.number >= ${input.q} and o.number < ${`${input.q}\u{10ffff}`}`,
  ],
  id: sql`o.id`,
  sortable: {
    placedAt: { column: sql`o.placed_at`, type: 'timestamptz' },
    createdAt: { column: sql`o.created_at`, type: 'timestamptz' },
    number: { column: sql`o.number`, type: 'text' },
    total: { column: sql`o.total`, type: 'numeric' },
  },
  item: toSummary,
});

// A day of any time zone lies within a day of the same day in UTC: the second condition lets the index of instants serve.
const placedFrom = (day: string) =>
  sql`o.placed_on >= ${day}::date and o.placed_at >= (${day}::date - 1)::timestamp at time zone 'UTC'`;
const placedTo = (day: string) =>
  sql`o.placed_on <= ${day}::date and o.placed_at < (${day}::date + 2)::timestamp at time zone 'UTC'`;
