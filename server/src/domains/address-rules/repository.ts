import type { AddressRules } from '@olympus/contracts';
import { array, sql, type Db, type SystemDb } from '@olympus/database';

export interface TenantLists {
  readonly tenantId: string;
  readonly version: number;
  readonly allow: string[];
  readonly block: string[];
}

const columns = sql`allow, block, version, updated_at as "updatedAt"`;

export async function findRules(db: Db): Promise<AddressRules | undefined> {
  const [rules] = await db.rows<AddressRules>(
    sql`select ${columns} from address_rules where tenant_id = ${db.tenantId}::uuid`,
  );
  return rules;
}

/** undefined when they have another version by now. */
export async function putRules(
  db: Db,
  { allow, block, version, now }: { allow: readonly string[]; block: readonly string[]; version: number; now: Date },
): Promise<AddressRules | undefined> {
  const [rules] = await db.rows<AddressRules>(sql`
    insert into address_rules (tenant_id, allow, block, updated_at, version)
    values (${db.tenantId}::uuid, ${array(allow)}::text[], ${array(block)}::text[], ${now}, ${version + 1})
    on conflict (tenant_id) do update
      set allow = excluded.allow, block = excluded.block, updated_at = excluded.updated_at, version = excluded.version
      where address_rules.version = ${version}
    returning ${columns}`);
  return rules;
}

/** Which tenants have lists, and in which version. */
export const versionsOfRules = (db: SystemDb): Promise<{ tenantId: string; version: number }[]> =>
  db.rows(sql`select tenant_id as "tenantId", version from address_rules`);

export const rulesOf = (db: SystemDb, tenantIds: readonly string[]): Promise<TenantLists[]> =>
  db.rows(sql`
    select tenant_id as "tenantId", version, allow, block from address_rules
    where tenant_id = any(${array(tenantIds)}::uuid[])`);
