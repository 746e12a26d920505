import { constraintOf, sql, type Db, type SQL } from '@olympus/database';
import { appendAll, type Entry } from '../events/outbox.ts';
import type { Context, TransactionContext } from '../kernel/context.ts';
import { fail } from '../kernel/failure.ts';
import type { Ids } from '../platform/ids.ts';

type Value = string | boolean | null;
/** What is undefined stays as it is. */
type Changes<Column extends string> = { readonly [C in Column]?: Value | undefined };

interface Stored {
  readonly id: string;
  readonly version: number;
}
interface Changing extends TransactionContext {
  readonly ids: Ids;
}

/** How a caller hears that there is no such record, or that what must be unique is in use. */
export interface Refusals {
  readonly missing: () => never;
  readonly taken: () => never;
}

/** The SQL of a table whose rows stand by themselves: plain columns, one unique one, a version. */
export interface Records<Row extends Stored, Column extends string> {
  /** For lists, beside their filters and orders. */
  readonly list: { readonly name: string; readonly select: SQL; readonly from: SQL; readonly id: SQL };
  find(db: Db, id: string): Promise<Row | undefined>;
  create(ctx: Changing, values: Readonly<Record<Column, Value>>, refuse: Pick<Refusals, 'taken'>): Promise<Row>;
  /** Fails with `VERSION_CONFLICT` when the caller has seen another version. Without changes nothing is written. */
  change(
    ctx: TransactionContext & Pick<Context, 'record'>,
    change: { id: string; expectedVersion: number | undefined; values: Changes<Column> },
    refuse: Refusals,
  ): Promise<Row>;
}

export interface Table<Row, Column extends string> {
  /** Its columns are named as the fields are. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly uniqueConstraint: string;
  /** The event that tells of a new or changed row; absent: nobody is told. */
  readonly eventOf?: (row: Row, what: 'created' | 'updated') => Entry;
}

export function recordsOf<Row extends Stored, Column extends string>(table: Table<Row, Column>): Records<Row, Column> {
  const { name, columns, uniqueConstraint } = table;
  const from = sql.identifier(name);
  const named = list(columns.map((column) => sql.identifier(column)));
  const select = sql`id, ${named}, created_at as "createdAt", updated_at as "updatedAt", version`;
  const row = (db: Db, id: string) => sql`tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid`;

  const find = async (db: Db, id: string): Promise<Row | undefined> => {
    const [found] = await db.rows<Row>(sql`select ${select} from ${from} where ${row(db, id)}`);
    return found;
  };

  const tell = async (ctx: TransactionContext, changed: Row, what: 'created' | 'updated'): Promise<Row> => {
    if (table.eventOf) await appendAll(ctx, [table.eventOf(changed, what)]);
    return changed;
  };

  return {
    list: { name, select, from: sql`from ${from}`, id: sql`id` },
    find,
    async create(ctx, values, { taken }) {
      const { db, clock, ids } = ctx;
      const now = clock.now();
      const [created] = await db.rows<Row>(sql`
        insert into ${from} (tenant_id, id, ${named}, created_at, updated_at, version)
        values (${db.tenantId}::uuid, ${ids.next()}::uuid, ${list(columns.map((column) => sql`${values[column]}`))}, ${now}, ${now}, 1)
        on conflict on constraint ${sql.identifier(uniqueConstraint)} do nothing
        returning ${select}`);
      return created ? tell(ctx, created, 'created') : taken();
    },
    async change(ctx, { id, expectedVersion, values }, { missing, taken }) {
      const { db, clock, record } = ctx;
      const set = columns.flatMap((column) =>
        values[column] === undefined ? [] : [sql`${sql.identifier(column)} = ${values[column]}`],
      );
      const seen = expectedVersion === undefined ? sql`true` : sql`version = ${expectedVersion}`;
      if (set.length > 0) {
        const [before, after] = await db
          .rows<Row>(
            sql`with before as materialized (
                  select ${select} from ${from} where ${row(db, id)} and ${seen} for no key update
                ), changed as (
                  update ${from} set ${list(set)}, version = version + 1, updated_at = ${clock.now()}
                  where ${row(db, id)} and ${seen} returning ${select}
                )
                select * from before union all select * from changed order by version`,
          )
          .catch((cause: unknown) => (constraintOf(cause) === uniqueConstraint ? taken() : Promise.reject(cause)));
        if (before && after) {
          record({ before, after });
          return tell(ctx, after, 'updated');
        }
      }
      const current = (await find(db, id)) ?? missing();
      if (set.length > 0 || (expectedVersion ?? current.version) !== current.version)
        return fail('VERSION_CONFLICT', { currentVersion: current.version });
      return current;
    },
  };
}

const list = (parts: readonly Parameters<typeof sql.join>[0][number][]): SQL => sql.join([...parts], sql`, `);
