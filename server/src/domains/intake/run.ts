import { pgErrorCode } from '@olympus/database';
import type { Context } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import { mappingOf, type Cells, type Table } from './columns.ts';
import { linesOf } from './lines.ts';
import { Tally, type Fault } from './report.ts';
import { rowsOf, type Format, type Row } from './rows.ts';
import { sourceOf } from './source.ts';
import { openSpool } from './spool.ts';
import { LineFault } from './values.ts';

/** One kind of import: what its lines are, and what becomes of them. */
export interface ImportJob<Column extends string, Item extends { readonly line: number }> {
  readonly table: Table<Column>;
  /** Lines that are imported in one transaction; at most twice as many, to keep lines together. */
  readonly batchSize: number;
  /** Whether a line is better imported with the one before it. */
  together(before: Item, item: Item): boolean;
  /** What a line says. Throws `LineFault`. */
  readonly read: (cells: Cells<Column>, line: number) => Item;
  /** Faults that only the database knows; changes nothing. */
  readonly check: (items: readonly Item[]) => Promise<Fault[]>;
  /** Imports lines in one transaction; answers with the faults of those it had to leave out. */
  readonly write: (items: readonly Item[]) => Promise<Fault[]>;
  /** Called once after the last batch, also when the input broke off. */
  readonly finish: () => Promise<void>;
}

export interface ImportInput {
  readonly format?: Format | undefined;
  readonly columns?: string | undefined;
  readonly content?: string | undefined;
  readonly dryRun: boolean;
  readonly strict: boolean;
}

interface Batch<Item> {
  readonly items: readonly Item[];
  readonly faults: readonly Fault[];
}

/** Reads the input in bounded memory and imports it batch by batch. Throws `IMPORT_REFUSED` for a strict one with a fault. */
export async function runImport<Column extends string, Item extends { readonly line: number }>(
  ctx: Context,
  input: ImportInput,
  job: ImportJob<Column, Item>,
): Promise<Tally> {
  const mapping = mappingOf(input.columns, job.table);
  const source = sourceOf(ctx.upload, input);
  const batches = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Batch<Item>> =>
    batchesOf(rowsOf(linesOf(bytes), { format: source.format, table: job.table, mapping }), job);
  const pass = (bytes: AsyncIterable<Uint8Array>, work: ImportJob<Column, Item>['write']): Promise<Tally> =>
    tallyOf(ctx, batches(bytes), work);

  if (input.dryRun && !input.strict) return pass(source.bytes, job.check);
  if (!input.strict) return finished(job, () => pass(source.bytes, safely(ctx, job)));

  const spool = source.again === null && !input.dryRun ? await openSpool() : null;
  try {
    const checked = await pass(spool ? spool.through(source.bytes) : source.bytes, job.check);
    const { lines, failed, errors } = checked;
    if (failed) throw new Failure('IMPORT_REFUSED', { lines, failed, errors });
    const again = spool?.again ?? source.again;
    if (input.dryRun || !again) return checked;
    return await finished(job, () => pass(again(), safely(ctx, job)));
  } finally {
    await spool?.close();
  }
}

async function tallyOf<Item>(
  ctx: Context,
  batches: AsyncGenerator<Batch<Item>>,
  work: (items: readonly Item[]) => Promise<Fault[]>,
): Promise<Tally> {
  const tally = new Tally();
  for await (const { items, faults } of ahead(batches)) {
    if (ctx.signal.aborted) throw new Failure('CANCELLED', null);
    const found = items.length ? await work(items) : [];
    tally.read(items.length + faults.length);
    tally.fail([...faults, ...found].sort((a, b) => a.line - b.line));
  }
  return tally;
}

/** Reads one batch ahead, so that reading and writing go on side by side. */
async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = items.next();
      // Its fault is met when its turn comes; until then it must not count as unhandled.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await items.return(undefined);
  }
}

async function* batchesOf<Column extends string, Item extends { readonly line: number }>(
  rows: ReturnType<typeof rowsOf<Column>>,
  job: ImportJob<Column, Item>,
): AsyncGenerator<Batch<Item>> {
  let items: Item[] = [];
  let faults: Fault[] = [];
  const taken = (): Batch<Item> => {
    const batch = { items, faults };
    items = [];
    faults = [];
    return batch;
  };
  const isFull = (next: Item | undefined): boolean => {
    const last = items.at(-1);
    if (faults.length >= job.batchSize || items.length >= 2 * job.batchSize) return true;
    return items.length >= job.batchSize && !(last && next && job.together(last, next));
  };
  for await (const group of rows) {
    for (const row of group) {
      const item = itemOf(row, job, faults);
      if (isFull(item)) yield taken();
      if (item) items.push(item);
    }
  }
  if (items.length || faults.length) yield taken();
}

function itemOf<Column extends string, Item extends { readonly line: number }>(
  { line, cells, fault }: Row<Column>,
  job: ImportJob<Column, Item>,
  faults: Fault[],
): Item | undefined {
  if (fault !== null) {
    faults.push({ line, message: fault });
    return undefined;
  }
  try {
    return job.read(cells, line);
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
    faults.push({ line, message: error.message });
    return undefined;
  }
}

/** Halves a batch that holds something the database cannot store, until the line is found. */
const safely =
  <Item extends { readonly line: number }>(ctx: Context, job: { write(items: readonly Item[]): Promise<Fault[]> }) =>
  async (items: readonly Item[]): Promise<Fault[]> => {
    try {
      return await job.write(items);
    } catch (error) {
      // SQLSTATE classes: 22 is a value out of range or malformed, 23 a violated constraint.
      if (!/^2[23]/.test(pgErrorCode(error) ?? '')) throw error;
      const [first] = items;
      if (items.length === 1 && first) {
        ctx.log.warn({ err: error, line: first.line }, 'a line cannot be stored');
        return [{ line: first.line, message: 'has a value that cannot be stored' }];
      }
      const middle = Math.ceil(items.length / 2);
      const write = safely(ctx, job);
      return [...(await write(items.slice(0, middle))), ...(await write(items.slice(middle)))];
    }
  };

async function finished(job: { finish(): Promise<void> }, work: () => Promise<Tally>): Promise<Tally> {
  let tally: Tally;
  try {
    tally = await work();
  } catch (error) {
    await job.finish().catch(() => {});
    throw error;
  }
  await job.finish();
  return tally;
}
