import { sql, type Database, type Db, type SQL } from '@olympus/database';

export interface LowProduct {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly stock: number;
  readonly lowStockAt: number;
}

/** The products that an event is about: one, or after an import all whose stock is tracked. */
const which = (productId: string | null): SQL =>
  productId === null ? sql`p.stock is not null` : sql`p.id = ${productId}::uuid`;

const lowStockAt = sql`coalesce(p.low_stock_at, s.low_stock_at)`;
/** As they stand now, which may be later than the event: what has recovered meanwhile is nobody's concern. */
const judged = (db: Pick<Db, 'tenantId'>, productId: string | null): SQL => sql`
  select p.id, p.sku, p.name, p.stock, ${lowStockAt} as low_stock_at, m.event_id as mark,
         coalesce(p.active and p.stock <= ${lowStockAt}, false) as low
  from products p
  left join notification_settings s on s.tenant_id = p.tenant_id
  left join low_stock_marks m on m.tenant_id = p.tenant_id and m.product_id = p.id
  where p.tenant_id = ${db.tenantId}::uuid and ${which(productId)}`;

export interface Judged {
  readonly tenantId: string;
  readonly productId: string | null;
  readonly eventId: string;
}

/**
 * Marks products whose stock has become low, and takes the marks off those that have recovered. Resolves to those that
 * were marked by this event, now or when it came before: how many, and one of them.
 */
export async function judgeStock(
  database: Database,
  { tenantId, productId, eventId }: Judged,
): Promise<{ count: number; one: LowProduct } | null> {
  const reading = database.tenant(tenantId);
  const changed = await reading.rows(sql`
    select 1 as found from (${judged(reading, productId)}) j where low <> (mark is not null) or mark = ${eventId} limit 1`);
  if (changed.length === 0) return null;
  return database.transaction(tenantId, async (db) => {
    await db.rows(sql`
      with judged as materialized (${judged(db, productId)}), recovered as (
        delete from low_stock_marks m using judged j
        where m.tenant_id = ${tenantId}::uuid and m.product_id = j.id and not j.low
      )
      insert into low_stock_marks (tenant_id, product_id, event_id)
      select ${tenantId}::uuid, id, ${eventId} from judged where low order by id
      on conflict (tenant_id, product_id) do nothing`);
    const [row] = await db.rows<MarkedRow>(sql`
      select count(*) over ()::int as count, p.id as "productId", p.sku, p.name, p.stock, ${lowStockAt} as "lowStockAt"
      from low_stock_marks m
      join products p on p.tenant_id = m.tenant_id and p.id = m.product_id
      left join notification_settings s on s.tenant_id = m.tenant_id
      where m.tenant_id = ${tenantId}::uuid and m.event_id = ${eventId} order by p.sku limit 1`);
    if (!row) return null;
    const { count, ...product } = row;
    return { count, one: { ...product, stock: Number(row.stock), lowStockAt: Number(row.lowStockAt) } };
  });
}
/** Numbers of 8 bytes are read as text. */
type MarkedRow = Omit<LowProduct, 'stock' | 'lowStockAt'> & { count: number; stock: string; lowStockAt: string };

/** Whether another import has committed after this one, and its event comes behind this one's. */
export async function isImportFollowed(db: Db, position: number): Promise<boolean> {
  const rows = await db.rows(sql`
    select 1 as found from events
    where tenant_id = ${db.tenantId}::uuid and position > ${position} and type = 'products.imported' limit 1`);
  return rows.length > 0;
}
