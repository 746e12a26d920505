import type { Db } from '@olympus/database';
import type { Ids } from '../../platform/ids.ts';
import { detached } from '../intake/values.ts';
import { renewProducts, resolveCustomers, resolveProducts, type ProductNews } from './import-catalogue-repository.ts';
import type { OrderInputLine } from './import-lines.ts';
import type { Run } from './import-repository.ts';

/** When a line was placed, in milliseconds since the epoch. */
export type TimeOf = (line: OrderInputLine) => number;
export interface BatchRun extends Run {
  readonly ids: Ids;
  readonly timeOf: TimeOf;
}
/** The customers of a batch, and how many of them are new. */
export interface FoundCustomers {
  readonly ids: IdsByKey;
  readonly added: number;
}
/** Ids by sku or code. */
export type IdsByKey = ReadonlyMap<string, string>;

/** Keys that are remembered from batch to batch; beyond them, they are looked up again. */
const most = 50_000;

interface News {
  name: string | null;
  namedAt: number;
  price: string | null;
  pricedAt: number;
}

/** The products of a run: their ids, and what its newest lines say of them, which is written when the run ends. */
export class ProductBook {
  private readonly ids = new Map<string, string>();
  private readonly news = new Map<string, News>();

  /** The ids of the lines' products, adding those that are missing. What it answers counts once the transaction has committed. */
  async resolve(db: Db, run: BatchRun, lines: readonly OrderInputLine[]): Promise<IdsByKey> {
    const missing = new Map<string, News>();
    for (const line of lines) if (!this.ids.has(line.sku)) learn(missing, line, run.timeOf(line));
    if (missing.size === 0) return new Map();
    const products = [...missing].map(([sku, news]) => ({ sku, ...told(run.ids.next(), news) }));
    const rows = await resolveProducts(db, run, products);
    return new Map(rows.map((row) => [row.key, row.id]));
  }

  id(sku: string): string | undefined {
    return this.ids.get(sku);
  }

  /** Remembers what a committed batch brought. */
  remember(found: IdsByKey, lines: readonly OrderInputLine[], timeOf: TimeOf): void {
    for (const [sku, id] of found) this.ids.set(sku, id);
    for (const line of lines) learn(this.news, line, timeOf(line));
  }

  get full(): boolean {
    return this.ids.size > most;
  }

  /** What the lines said since the last time, in pieces of at most `size`, and forgets all. */
  *takeNews(size: number): Generator<ProductNews[]> {
    const all = [...this.news].flatMap(([sku, news]) => {
      const id = this.ids.get(sku);
      return id === undefined ? [] : [told(id, news)];
    });
    this.ids.clear();
    this.news.clear();
    for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
  }

  write(db: Db, run: Run, news: readonly ProductNews[]): Promise<number> {
    return renewProducts(db, run, news);
  }
}

/** The newest description that is not empty names a product, the newest price above zero prices it. */
function learn(book: Map<string, News>, { sku, description, unitPrice }: OrderInputLine, at: number): void {
  let news = book.get(sku);
  if (!news) {
    news = { name: null, namedAt: -Infinity, price: null, pricedAt: -Infinity };
    book.set(detached(sku), news);
  }
  if (at >= news.namedAt && description.trim() !== '') {
    if (news.name !== description) news.name = detached(description);
    news.namedAt = at;
  }
  if (at >= news.pricedAt && Number(unitPrice) > 0) {
    if (news.price !== unitPrice) news.price = detached(unitPrice);
    news.pricedAt = at;
  }
}

const told = (id: string, { name, namedAt, price, pricedAt }: News): ProductNews => ({
  id,
  name,
  namedAt: name === null ? null : new Date(namedAt),
  price,
  pricedAt: price === null ? null : new Date(pricedAt),
});

/** The customers of a run by their code. */
export class CustomerBook {
  private readonly ids = new Map<string, string>();

  async resolve(db: Db, run: BatchRun, lines: readonly OrderInputLine[]): Promise<FoundCustomers> {
    const missing = new Map<string, string | null>();
    for (const { customer, country } of lines)
      if (customer.trim() !== '' && !this.ids.has(customer))
        missing.set(customer, missing.get(customer) ?? (country.trim() === '' ? null : country));
    if (missing.size === 0) return { ids: new Map(), added: 0 };
    const customers = [...missing].map(([code, country]) => ({ id: run.ids.next(), code, country }));
    const rows = await resolveCustomers(db, run, customers);
    // Whoever was there already has an id of their own.
    const given = new Set(customers.map(({ id }) => id));
    return { ids: new Map(rows.map((row) => [row.key, row.id])), added: rows.filter(({ id }) => given.has(id)).length };
  }

  id(code: string): string | undefined {
    return this.ids.get(code);
  }

  remember(found: IdsByKey): void {
    if (this.ids.size > most) this.ids.clear();
    for (const [code, id] of found) this.ids.set(code, id);
  }
}
