import { sql, type Database, type Db } from '@olympus/database';

export interface FileRow {
  readonly id: string;
  readonly productId: string;
  readonly storageKey: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}
export interface UploadRow {
  readonly id: string;
  readonly length: number;
  readonly mediaType: string | null;
  readonly productId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The driver reads large numbers as text. */
type AsText<Row, Field extends keyof Row> = Omit<Row, Field> & Readonly<Record<Field, string>>;

const fileColumns = sql`
  f.id, f.product_id as "productId", f.storage_key as "storageKey", f.media_type as "mediaType", f.bytes, f.width,
  f.height, f.sha256, f.created_by as "createdBy", f.created_at as "createdAt"`;
const uploadColumns = sql`
  u.id, u.length, u.media_type as "mediaType", u.product_id as "productId", u.created_at as "createdAt",
  u.expires_at as "expiresAt"`;

export const findFile = (db: Db, id: string) => oneFile(db, sql`f.id = ${id}::uuid`);
export const findFileOfProduct = (db: Db, productId: string) => oneFile(db, sql`f.product_id = ${productId}::uuid`);

async function oneFile(db: Db, which: ReturnType<typeof sql>): Promise<FileRow | undefined> {
  const [row] = await db.rows<AsText<FileRow, 'bytes'>>(
    sql`select ${fileColumns} from files f where f.tenant_id = ${db.tenantId}::uuid and ${which}`,
  );
  return row && { ...row, bytes: Number(row.bytes) };
}

export async function insertFile(db: Db, file: FileRow): Promise<void> {
  await db.rows(sql`
    insert into files (tenant_id, id, product_id, storage_key, media_type, bytes, width, height, sha256, created_by, created_at)
    values (${db.tenantId}::uuid, ${file.id}::uuid, ${file.productId}::uuid, ${file.storageKey}, ${file.mediaType},
            ${file.bytes}::bigint, ${file.width}::int, ${file.height}::int, ${file.sha256}, ${file.createdBy}::uuid,
            ${file.createdAt})`);
}

/** Takes the file of a product away, and its bytes once they are due; resolves to whether there was one. */
export async function removeFileOfProduct(db: Db, productId: string, dueAt: Date): Promise<boolean> {
  const rows = await db.rows(sql`
    with gone as (
      delete from files f where f.tenant_id = ${db.tenantId}::uuid and f.product_id = ${productId}::uuid
      returning f.storage_key
    )
    insert into file_removals (tenant_id, storage_key, due_at)
    select ${db.tenantId}::uuid, storage_key, ${dueAt}::timestamptz from gone returning storage_key`);
  return rows.length > 0;
}

/** Says when bytes that are about to be written are to go, unless they are kept before. */
export async function reserve(db: Db, storageKey: string, dueAt: Date): Promise<void> {
  await db.rows(sql`
    insert into file_removals (tenant_id, storage_key, due_at) values (${db.tenantId}::uuid, ${storageKey}, ${dueAt})
    on conflict (tenant_id, storage_key) do update set due_at = excluded.due_at`);
}

/** Keeps reserved bytes; false when they are due or gone. */
export async function keep(db: Db, storageKey: string, notDueBefore: Date): Promise<boolean> {
  const rows = await db.rows(sql`
    delete from file_removals where tenant_id = ${db.tenantId}::uuid and storage_key = ${storageKey}
      and due_at > ${notDueBefore} returning storage_key`);
  return rows.length > 0;
}

export async function forget(db: Db, storageKey: string): Promise<void> {
  await db.rows(sql`delete from file_removals where tenant_id = ${db.tenantId}::uuid and storage_key = ${storageKey}`);
}

/** The bytes that the tenant keeps, and those that its unfinished uploads may still come to. */
export async function usedBytes(db: Db, now: Date): Promise<number> {
  const [row] = await db.rows<{ used: string }>(sql`
    select (select coalesce(sum(bytes), 0) from files where tenant_id = ${db.tenantId}::uuid)
         + (select coalesce(sum(length), 0) from uploads where tenant_id = ${db.tenantId}::uuid and expires_at > ${now}) as used`);
  return Number(row?.used ?? 0);
}

/** So that what a tenant reserves is counted one after the other. */
export async function lockQuota(db: Db): Promise<void> {
  await db.rows(sql`select pg_advisory_xact_lock(hashtextextended(${`quota:${db.tenantId}`}, 0))`);
}

export async function insertUpload(db: Db, upload: UploadRow & { createdBy: string }): Promise<void> {
  await db.rows(sql`
    insert into uploads (tenant_id, id, length, media_type, product_id, created_by, created_at, expires_at)
    values (${db.tenantId}::uuid, ${upload.id}::uuid, ${upload.length}::bigint, ${upload.mediaType},
            ${upload.productId}::uuid, ${upload.createdBy}::uuid, ${upload.createdAt}, ${upload.expiresAt})`);
}

export async function findUpload(db: Db, id: string, now: Date): Promise<UploadRow | undefined> {
  const [row] = await db.rows<AsText<UploadRow, 'length'>>(sql`
    select ${uploadColumns} from uploads u
    where u.tenant_id = ${db.tenantId}::uuid and u.id = ${id}::uuid and u.expires_at > ${now}`);
  return row && { ...row, length: Number(row.length) };
}

/** Ends an upload, whose parts then go; false when it has ended already. */
export async function endUpload(db: Db, id: string, now: Date): Promise<boolean> {
  const rows = await db.rows(sql`
    update uploads set expires_at = ${now}
    where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid and expires_at > ${now} returning id`);
  return rows.length > 0;
}

export async function productExists(db: Db, id: string): Promise<boolean> {
  const rows = await db.rows(sql`select id from products where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid`);
  return rows.length > 0;
}

interface Due {
  readonly tenantId: string;
  readonly name: string;
}
/** What is due across all tenants, the oldest first. */
export const dueRemovals = ({ systemDb }: Database, now: Date, limit: number): Promise<Due[]> =>
  systemDb.rows<Due>(sql`
    select tenant_id as "tenantId", storage_key as name from file_removals where due_at <= ${now} order by due_at limit ${limit}`);
export const dueUploads = ({ systemDb }: Database, now: Date, limit: number): Promise<Due[]> =>
  systemDb.rows<Due>(sql`
    select tenant_id as "tenantId", id as name from uploads where expires_at <= ${now} order by expires_at limit ${limit}`);

export async function removalDone({ systemDb }: Database, { tenantId, name }: Due): Promise<void> {
  await systemDb.rows(sql`delete from file_removals where tenant_id = ${tenantId}::uuid and storage_key = ${name}`);
}
export async function uploadDone({ systemDb }: Database, { tenantId, name }: Due): Promise<void> {
  await systemDb.rows(sql`delete from uploads where tenant_id = ${tenantId}::uuid and id = ${name}::uuid`);
}

/** Makes all that was being written due: for a process that knows itself to be the only one, and has just begun. */
export async function allDue({ systemDb }: Database, now: Date): Promise<void> {
  await systemDb.rows(sql`update file_removals set due_at = ${now} where due_at > ${now}`);
}
