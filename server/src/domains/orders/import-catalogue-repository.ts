import { array, sql, type Db } from '@olympus/database';
import type { Run } from './import-repository.ts';

interface Resolved {
  readonly key: string;
  readonly id: string;
}
export interface NewProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string | null;
  readonly namedAt: Date | null;
  readonly price: string | null;
}
export interface NewCustomer {
  readonly id: string;
  readonly code: string;
  readonly country: string | null;
}
export interface ProductNews {
  readonly id: string;
  readonly name: string | null;
  readonly namedAt: Date | null;
  readonly price: string | null;
  readonly pricedAt: Date | null;
}

/** Before every line: any description names the product afterwards. */
const unnamed = new Date('0001-01-01T00:00:00Z');

/** The ids of products by sku; those that are not there yet are added, their stock not tracked. */
export function resolveProducts(db: Db, run: Run, products: readonly NewProduct[]): Promise<Resolved[]> {
  return db.rows(sql`
    with given as (
      select * from unnest(
        ${array(products.map((product) => product.id))}::uuid[], ${array(products.map((product) => product.sku))}::text[],
        ${array(products.map((product) => product.name))}::text[], ${array(products.map((product) => product.price))}::numeric[],
        ${array(products.map((product) => product.namedAt))}::timestamptz[]
      ) as t (id, sku, name, price, named_at)
    ), known as (
      select sku as key, id from products
      where tenant_id = ${db.tenantId}::uuid and sku = any(${array(products.map((product) => product.sku))}::text[])
    ), added as (
      insert into products (tenant_id, id, sku, name, price, currency, named_at, created_at, updated_at)
      select ${db.tenantId}::uuid, id, sku, coalesce(name, sku), coalesce(price, 0), ${run.currency},
             coalesce(named_at, ${unnamed}::timestamptz), ${run.now}, ${run.now}
      from given where not exists (select from known where known.key = given.sku) order by sku
      on conflict (tenant_id, sku) do nothing returning sku as key, id
    )
    select key, id from known union all select key, id from added`);
}

/** The ids of customers by code; those that are not there yet are added under their code. */
export function resolveCustomers(db: Db, run: Run, customers: readonly NewCustomer[]): Promise<Resolved[]> {
  return db.rows(sql`
    with given as (
      select * from unnest(
        ${array(customers.map((customer) => customer.id))}::uuid[], ${array(customers.map((customer) => customer.code))}::text[],
        ${array(customers.map((customer) => customer.country))}::text[]
      ) as t (id, code, country)
    ), known as (
      select code as key, id from customers
      where tenant_id = ${db.tenantId}::uuid and code = any(${array(customers.map((customer) => customer.code))}::text[])
    ), added as (
      insert into customers (tenant_id, id, code, name, country, created_at, updated_at)
      select ${db.tenantId}::uuid, id, code, code, country, ${run.now}, ${run.now}
      from given where not exists (select from known where known.key = given.code) order by code
      on conflict (tenant_id, code) do nothing returning code as key, id
    )
    select key, id from known union all select key, id from added`);
}

/**
 * Names and prices products by the newest lines of a run, where a product was not named later than that.
 * Answers with how many products changed.
 */
export async function renewProducts(db: Db, run: Run, news: readonly ProductNews[]): Promise<number> {
  const rows = await db.rows(sql`
    with news as (
      select p.id, p.named_at,
             case when n.named_at >= p.named_at then n.name else p.name end as name,
             case when n.named_at >= p.named_at then n.named_at else p.named_at end as renamed_at,
             case when n.priced_at >= p.named_at then n.price else p.price end as price
      from unnest(
        ${array(news.map((one) => one.id))}::uuid[], ${array(news.map((one) => one.name))}::text[],
        ${array(news.map((one) => one.namedAt))}::timestamptz[], ${array(news.map((one) => one.price))}::numeric[],
        ${array(news.map((one) => one.pricedAt))}::timestamptz[]
      ) as n (id, name, named_at, price, priced_at)
      join products p on p.tenant_id = ${db.tenantId}::uuid and p.id = n.id
      order by p.id for update of p
    )
    update products p
    set name = news.name, named_at = news.renamed_at, price = news.price, updated_at = ${run.now}, version = p.version + ((p.name, p.price) is distinct from (news.name, news.price))::int
    from news
    where p.tenant_id = ${db.tenantId}::uuid and p.id = news.id
      and (p.name, p.named_at, p.price) is distinct from (news.name, news.renamed_at, news.price)
    returning p.id`);
  return rows.length;
}
