import type { contracts, ErrorCode, ErrorsOf, ParsedInputOf, Product } from '@olympus/contracts';
import { constraintOf, type Db, type InTransaction } from '@olympus/database';
import type { Context, Principal } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { toProduct, type ProductChange } from './product.ts';
import * as repository from './repository.ts';

type Contracts = typeof contracts.products;
type Input<V extends keyof Contracts> = ParsedInputOf<Contracts[V]['def']>;
type Failing<V extends keyof Contracts> = Fail<(keyof ErrorsOf<Contracts[V]['def']> & ErrorCode) | 'VERSION_CONFLICT'>;
/** Where a change runs: the caller's transaction. */
export type Changing = Context<Principal, InTransaction<Db>>;

// Each change is one statement that finds its product only in the right state. Where it found none, the state read after
// it tells the reason; should that show none, another transaction came between the two, and the change is tried again.

/** The most that a product's stock may be brought to by hand. */
const mostStock = 1_000_000_000;

export async function create(ctx: Changing, input: Input<'create'>, fail: Failing<'create'>): Promise<ProductChange> {
  checkCurrency(ctx, input.price, fail);
  const product = { id: ctx.ids.next(), active: true, ...wholeOf(input) };
  const row = await repository.insertProduct(ctx.db, product, ctx.clock.now());
  return row ? { product: toProduct(row), event: 'product.created' } : fail('SKU_TAKEN', { sku: input.sku });
}

export async function update(ctx: Changing, input: Input<'update'>, fail: Failing<'update'>): Promise<ProductChange> {
  const { id, expectedVersion, price, ...named } = input;
  const target = { id, expectedVersion };
  if (price) checkCurrency(ctx, price, fail);
  const changes = { ...named, price: price?.amount };
  if (Object.values(changes).every((value) => value === undefined))
    return { product: await current(ctx.db, target, fail), event: null };
  return write(ctx, { target, changes }, fail);
}

export async function replace(
  ctx: Changing,
  input: Input<'replace'>,
  fail: Failing<'replace'>,
): Promise<ProductChange> {
  const { id, expectedVersion, active } = input;
  checkCurrency(ctx, input.price, fail);
  return write(ctx, { target: { id, expectedVersion }, changes: { ...wholeOf(input), active } }, fail);
}

export async function archive(
  ctx: Changing,
  input: Input<'archive'>,
  fail: Failing<'archive'>,
): Promise<ProductChange> {
  const target = { id: input.id, expectedVersion: input.expectedVersion };
  const row = await repository.archiveProduct(ctx.db, target, ctx.clock.now());
  if (row) {
    const product = toProduct(row);
    return { product, before: { ...product, active: true, version: product.version - 1 }, event: 'product.updated' };
  }
  const product = await current(ctx.db, target, fail);
  return product.active ? archive(ctx, input, fail) : { product, event: null };
}

export async function adjustStock(
  ctx: Changing,
  input: Input<'adjustStock'>,
  fail: Failing<'adjustStock'>,
): Promise<ProductChange> {
  const { id, delta, reason = null, expectedVersion } = input;
  const target = { id, expectedVersion };
  const by = { userId: ctx.principal.userId, now: ctx.clock.now() };
  const row = await repository.adjustStock(ctx.db, target, {
    id: ctx.ids.next(),
    delta,
    most: mostStock,
    reason,
    ...by,
  });
  if (row) {
    const product = toProduct(row);
    const before = { ...product, stock: (product.stock ?? 0) - delta, version: product.version - 1 };
    return { product, before, event: 'product.updated' };
  }
  const { sku, stock } = await current(ctx.db, target, fail);
  if (stock === null) return fail('STOCK_UNTRACKED', { id });
  if (stock + delta < 0) return fail('OUT_OF_STOCK', { productId: id, sku, requested: -delta, available: stock });
  if (stock + delta <= mostStock || delta <= 0) return adjustStock(ctx, input, fail);
  const message = `must not bring the stock, which is ${stock}, above ${mostStock}`;
  throw invalidInput([{ field: 'delta', message, code: 'too_big', nearest: null }]);
}

/** The product as it stands, if it is the one that a change was meant for. */
export async function current(
  db: Db,
  { id, expectedVersion }: repository.Target,
  fail: Fail<'PRODUCT_NOT_FOUND' | 'VERSION_CONFLICT'>,
): Promise<Product> {
  const row = await repository.findProduct(db, id);
  if (!row) return fail('PRODUCT_NOT_FOUND', { id });
  if (expectedVersion !== undefined && expectedVersion !== row.version)
    return fail('VERSION_CONFLICT', { currentVersion: row.version });
  return toProduct(row);
}

async function write(
  ctx: Changing,
  { target, changes }: { target: repository.Target; changes: repository.ProductChanges },
  fail: Failing<'update'>,
): Promise<ProductChange> {
  const change = { changes, movementId: ctx.ids.next(), userId: ctx.principal.userId, now: ctx.clock.now() };
  const run = (db: Db) => repository.updateProduct(db, target, change);
  try {
    // Only a new sku can be refused by the database, which would spoil the transaction for the rest of a batch.
    const rows = await (changes.sku === undefined ? run(ctx.db) : ctx.db.savepoint(run));
    if (rows) return { product: toProduct(rows.after), before: toProduct(rows.before), event: 'product.updated' };
  } catch (cause) {
    if (changes.sku === undefined || constraintOf(cause) !== 'products_sku') throw cause;
    fail('SKU_TAKEN', { sku: changes.sku });
  }
  await current(ctx.db, target, fail);
  return write(ctx, { target, changes }, fail);
}

/** Prices are in the tenant's one currency. */
function checkCurrency(
  { principal }: Changing,
  { currency }: { currency: string },
  fail: Fail<'CURRENCY_MISMATCH'>,
): void {
  if (currency !== principal.currency) fail('CURRENCY_MISMATCH', { expected: principal.currency, received: currency });
}

const wholeOf = ({ sku, name, description, price, stock, lowStockAt, imageUrl }: Input<'create'>) => ({
  sku,
  name,
  description: description ?? null,
  price: price.amount,
  currency: price.currency,
  stock: stock ?? null,
  lowStockAt: lowStockAt ?? null,
  imageUrl: imageUrl ?? null,
});
