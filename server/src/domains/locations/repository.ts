import type { contracts, Location, ParsedInputOf } from '@olympus/contracts';
import { sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { recordsOf } from '../records.ts';
import { hasWords } from '../words.ts';

type Filters = ParsedInputOf<typeof contracts.locations.list.def>;

export const locationRecords = recordsOf<Location, 'name' | 'address' | 'active'>({
  name: 'locations',
  columns: ['name', 'address', 'active'],
  uniqueConstraint: 'locations_name',
});

export const locationList = (db: Db, { q, active }: Filters): List<Location, Location> => ({
  ...locationRecords.list,
  where: [
    sql`tenant_id = ${db.tenantId}::uuid`,
    active === undefined ? undefined : sql`active = ${active}`,
    q === undefined ? undefined : hasWords([sql`name`, sql`address`], q),
  ],
  sortable: {
    createdAt: { column: sql`created_at`, type: 'timestamptz' },
    name: { column: sql`name`, type: 'text' },
  },
  item: (location) => location,
});
