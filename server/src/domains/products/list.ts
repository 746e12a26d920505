import type { contracts, ParsedInputOf, Product } from '@olympus/contracts';
import { sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { productColumns, toProduct, type ProductRow } from './product.ts';

type Filters = ParsedInputOf<typeof contracts.products.list.def>;

/** The products that a caller asked to see. */
export const productList = (db: Db, { q, sku, active }: Filters): List<ProductRow, Product> => ({
  name: 'products',
  select: productColumns,
  from: sql`from products p`,
  where: [
    sql`p.tenant_id = ${db.tenantId}::uuid`,
    sku === undefined ? undefined : sql`p.sku = ${sku}`,
    active === undefined ? undefined : sql`p.active = ${active}`,
    q === undefined ? undefined : matching(q),
  ],
  id: sql`p.id`,
  sortable: {
    createdAt: { column: sql`p.created_at`, type: 'timestamptz' },
    name: { column: sql`p.name`, type: 'text' },
    sku: { column: sql`p.sku`, type: 'text' },
    price: { column: sql`p.price`, type: 'numeric' },
  },
  item: toProduct,
});

/** All the words, in the name or the description, in whatever case; or the start of the sku, as it is written. */
const matching = (q: string) => {
  const words = q
    .split(/\s+/)
    .map((word) => sql`strpos(lower(concat_ws(' ', p.name, p.description)), lower(${word})) > 0`);
  return sql`(starts_with(p.sku, ${q}) or (${sql.join(words, sql` and `)}))`;
};
