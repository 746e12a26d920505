import type { ApiKey, contracts, KeyScope, ParsedInputOf, Role } from '@olympus/contracts';
import { array, sql, type Db, type SystemDb } from '@olympus/database';
import type { List } from '../paging.ts';

type Filters = ParsedInputOf<typeof contracts.apiKeys.list.def>;

/** A key with what decides who may change it: its maker as they stand now. */
export interface HeldKey {
  readonly apiKey: ApiKey;
  readonly makerRole: Role;
  readonly makerLocations: readonly string[];
}
/** What is undefined stays as it is. */
export interface KeyChanges {
  readonly name?: string | undefined;
  readonly scopes?: readonly KeyScope[] | undefined;
  readonly callsPerSecond?: number | null | undefined;
}

const columns = sql`
  k.id, k.name, k.prefix, k.scopes, k.calls_per_second as "callsPerSecond", k.created_by as "createdBy",
  k.expires_at as "expiresAt", k.last_used_at as "lastUsedAt", k.previous_until as "rotatedUntil",
  k.revoked_at as "revokedAt", k.created_at as "createdAt", k.updated_at as "updatedAt", k.version`;

export const keyList = (db: Db, { revoked }: Filters): List<ApiKey, ApiKey> => ({
  name: 'apiKeys',
  select: columns,
  from: sql`from api_keys k`,
  where: [
    sql`k.tenant_id = ${db.tenantId}::uuid`,
    revoked === undefined ? undefined : sql`(k.revoked_at is not null) = ${revoked}`,
  ],
  id: sql`k.id`,
  sortable: {
    createdAt: { column: sql`k.created_at`, type: 'timestamptz' },
    name: { column: sql`k.name`, type: 'text' },
  },
  item: (key) => key,
});

const ofId = (db: Db, id: string) => sql`k.tenant_id = ${db.tenantId}::uuid and k.id = ${id}::uuid`;

export async function findKey(db: Db, id: string): Promise<ApiKey | undefined> {
  const [key] = await db.rows<ApiKey>(sql`select ${columns} from api_keys k where ${ofId(db, id)}`);
  return key;
}

/** Locked until the transaction ends. */
export async function holdKey(db: Db, id: string): Promise<HeldKey | undefined> {
  const [row] = await db.rows<ApiKey & Omit<HeldKey, 'apiKey'>>(sql`
    select ${columns}, u.role as "makerRole", u.location_ids as "makerLocations"
    from api_keys k join users u on u.tenant_id = k.tenant_id and u.id = k.created_by
    where ${ofId(db, id)} for no key update of k`);
  if (!row) return undefined;
  const { makerRole, makerLocations, ...apiKey } = row;
  return { apiKey, makerRole, makerLocations };
}

export interface NewKey {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly hash: string;
  readonly scopes: readonly KeyScope[];
  readonly callsPerSecond: number | null;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

export async function insertKey(db: Db, key: NewKey, now: Date): Promise<ApiKey> {
  const [created] = await db.rows<ApiKey>(sql`
    insert into api_keys as k (tenant_id, id, name, prefix, secret_hash, scopes, calls_per_second, created_by, expires_at,
                               created_at, updated_at, version)
    values (${db.tenantId}::uuid, ${key.id}::uuid, ${key.name}, ${key.prefix}, ${key.hash},
            ${array(key.scopes)}::text[], ${key.callsPerSecond}, ${key.createdBy}::uuid, ${key.expiresAt}, ${now}, ${now}, 1)
    returning ${columns}`);
  if (!created) throw new Error('an inserted key was not returned');
  return created;
}

export async function updateKey(db: Db, id: string, changes: KeyChanges & { now: Date }): Promise<ApiKey | undefined> {
  const set = [sql`version = k.version + 1`, sql`updated_at = ${changes.now}`];
  if (changes.name !== undefined) set.push(sql`name = ${changes.name}`);
  if (changes.scopes !== undefined) set.push(sql`scopes = ${array(changes.scopes)}::text[]`);
  if (changes.callsPerSecond !== undefined) set.push(sql`calls_per_second = ${changes.callsPerSecond}`);
  const [changed] = await db.rows<ApiKey>(
    sql`update api_keys k set ${sql.join(set, sql`, `)} where ${ofId(db, id)} returning ${columns}`,
  );
  return changed;
}

/** The secret so far goes on until `until`; the one before it, if there still was one, ends now. */
export async function replaceSecret(
  db: Db,
  id: string,
  { hash, until, now }: { hash: string; until: Date | null; now: Date },
): Promise<ApiKey | undefined> {
  const [changed] = await db.rows<ApiKey>(sql`
    update api_keys k set previous_hash = case when ${until}::timestamptz is null then null else k.secret_hash end,
      previous_until = ${until}, secret_hash = ${hash}, version = k.version + 1, updated_at = ${now}
    where ${ofId(db, id)} returning ${columns}`);
  return changed;
}

/** Whether there is such a key; one that is revoked already stays as it is. */
export async function revokeKey(db: Db, id: string, now: Date): Promise<boolean> {
  const rows = await db.rows(sql`
    update api_keys k set version = case when k.revoked_at is null then k.version + 1 else k.version end,
      updated_at = case when k.revoked_at is null then ${now}::timestamptz else k.updated_at end,
      revoked_at = coalesce(k.revoked_at, ${now}::timestamptz)
    where ${ofId(db, id)} returning k.id`);
  return rows.length > 0;
}

/** A key as a credential: with its maker and tenant as they stand now. */
export interface CredentialRow {
  readonly tenantId: string;
  readonly id: string;
  readonly secretHash: string;
  readonly previousHash: string | null;
  readonly previousUntil: Date | null;
  readonly scopes: readonly string[];
  readonly callsPerSecond: number | null;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly userId: string;
  readonly role: Role;
  readonly locationIds: readonly string[];
  readonly timeZone: string;
  readonly currency: string;
  readonly suspended: boolean;
}

/** null when there is none of the prefix that may be used, by anybody: revoked, or made by somebody who is not active now. */
export async function findCredential(db: SystemDb, prefix: string): Promise<CredentialRow | null> {
  const [row] = await db.rows<CredentialRow>(sql`
    select k.tenant_id as "tenantId", k.id, k.secret_hash as "secretHash", k.previous_hash as "previousHash",
           k.previous_until as "previousUntil", k.scopes, k.calls_per_second as "callsPerSecond",
           k.expires_at as "expiresAt", k.last_used_at as "lastUsedAt", u.id as "userId", u.role,
           u.location_ids as "locationIds", t.time_zone as "timeZone", t.currency, t.suspended_at is not null as suspended
    from api_keys k join users u on u.tenant_id = k.tenant_id and u.id = k.created_by join tenants t on t.id = k.tenant_id
    where k.prefix = ${prefix} and k.revoked_at is null and u.active`);
  return row ?? null;
}

/** Unless another process has noted a use since `before`. */
export async function noteUse(
  db: SystemDb,
  key: { tenantId: string; id: string },
  { now, before }: { now: Date; before: Date },
): Promise<void> {
  await db.rows(sql`
    update api_keys set last_used_at = ${now} where tenant_id = ${key.tenantId}::uuid and id = ${key.id}::uuid
      and (last_used_at is null or last_used_at <= ${before})`);
}
