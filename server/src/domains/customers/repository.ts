import type { contracts, Customer, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { recordsOf } from '../records.ts';
import { hasWords } from '../words.ts';

type Filters = ParsedInputOf<typeof contracts.customers.list.def>;

export const customerRecords = recordsOf<Customer, 'code' | 'name' | 'email' | 'phone' | 'country'>({
  name: 'customers',
  columns: ['code', 'name', 'email', 'phone', 'country'],
  uniqueConstraint: 'customers_code',
  eventOf: (customer, what) => ({
    subject: { topic: 'customers', id: customer.id },
    payload: { type: `customer.${what}`, customerId: customer.id, customer },
  }),
});

export const customerList = (db: Db, { q, country }: Filters): List<Customer, Customer> => ({
  ...customerRecords.list,
  where: [
    sql`tenant_id = ${db.tenantId}::uuid`,
    country === undefined ? undefined : sql`country = ${country}`,
    q === undefined ? undefined : hasWords([sql`name`, sql`code`, sql`email`], q),
  ],
  sortable: {
    createdAt: { column: sql`created_at`, type: 'timestamptz' },
    name: { column: sql`name`, type: 'text' },
  },
  item: (customer) => customer,
});
