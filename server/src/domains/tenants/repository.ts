import type { contracts, ParsedInputOf, TenantRecord } from '@olympus/contracts';
import { sql, type Db, type SystemDb } from '@olympus/database';
import type { List } from '../paging.ts';
import { hasWords } from '../words.ts';

type Filters = ParsedInputOf<typeof contracts.tenants.list.def>;
type Row = Omit<TenantRecord, 'users'> & { readonly users: string };

const columns = sql`
  t.id, t.name, t.time_zone as "timeZone", t.currency, t.suspended_at as "suspendedAt",
  t.suspended_for as "suspendedFor", t.created_at as "createdAt",
  (select count(*) from users u where u.tenant_id = t.id and u.active) as users`;

const toRecord = (row: Row): TenantRecord => ({ ...row, users: Number(row.users) });

/** Tenants of customers: the platform's own is none. */
export const tenantList = ({ q, suspended }: Filters): List<Row, TenantRecord> => ({
  name: 'tenants',
  select: columns,
  from: sql`from tenants t`,
  where: [
    sql`not t.platform`,
    suspended === undefined ? undefined : sql`(t.suspended_at is not null) = ${suspended}`,
    q === undefined ? undefined : hasWords([sql`t.name`], q),
  ],
  id: sql`t.id`,
  sortable: {
    createdAt: { column: sql`t.created_at`, type: 'timestamptz' },
    name: { column: sql`t.name`, type: 'text' },
  },
  item: toRecord,
});

const ofId = (id: string) => sql`t.id = ${id}::uuid and not t.platform`;

export async function findTenant(db: SystemDb, id: string): Promise<TenantRecord | undefined> {
  const [row] = await db.rows<Row>(sql`select ${columns} from tenants t where ${ofId(id)}`);
  return row && toRecord(row);
}

/** A tenant that is suspended already keeps the time and the reason of it. */
export async function suspendTenant(
  db: SystemDb,
  id: string,
  { reason, now }: { reason: string; now: Date },
): Promise<TenantRecord | undefined> {
  const [row] = await db.rows<Row>(sql`
    update tenants t set suspended_for = case when t.suspended_at is null then ${reason} else t.suspended_for end,
      suspended_at = coalesce(t.suspended_at, ${now}::timestamptz)
    where ${ofId(id)} returning ${columns}`);
  return row && toRecord(row);
}

export async function resumeTenant(db: SystemDb, id: string): Promise<TenantRecord | undefined> {
  const [row] = await db.rows<Row>(sql`
    update tenants t set suspended_at = null, suspended_for = null where ${ofId(id)} returning ${columns}`);
  return row && toRecord(row);
}

/** The platform's tenant, made where there is none. */
export async function platformTenant(db: SystemDb, tenant: { id: string; now: Date }): Promise<string> {
  await db.rows(sql`
    insert into tenants (id, name, time_zone, currency, created_at, platform)
    values (${tenant.id}::uuid, 'Platform', 'UTC', 'USD', ${tenant.now}, true)
    on conflict (platform) where platform do nothing`);
  const [row] = await db.rows<{ id: string }>(sql`select id from tenants where platform`);
  if (!row) throw new Error('the platform has no tenant');
  return row.id;
}

/** False when the e-mail address is in use. */
export async function insertAdmin(
  db: SystemDb,
  admin: { tenantId: string; id: string; email: string; name: string; passwordHash: string; now: Date },
): Promise<boolean> {
  const rows = await db.rows(sql`
    insert into users (tenant_id, id, email, name, role, active, password_hash, created_at, updated_at, version)
    values (${admin.tenantId}::uuid, ${admin.id}::uuid, ${admin.email}, ${admin.name}, 'super_admin', true,
            ${admin.passwordHash}, ${admin.now}, ${admin.now}, 1)
    on conflict (email) do nothing returning id`);
  return rows.length > 0;
}

/** The system's view for a list that is the platform's. */
export const acrossTenants = (db: SystemDb, tenantId: string): Db => ({ ...db, tenantId });
