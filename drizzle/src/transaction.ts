import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable, TransactionRolledBack, pgErrorCode } from './errors.ts';
import type { Pool } from './pool.ts';
import type { Session } from './session.ts';
import { compile, type Statement } from './statement.ts';
import { streamInside } from './stream.ts';
import type { InTransaction, SystemDb } from './types.ts';

const serializationFailure = '40001';
const deadlock = '40P01';
const retries = 3;

interface Opening<E> {
  /** The script that begins the transaction; it may also set the tenant. */
  begin: string;
  /** What the transaction's `db` carries besides its methods. */
  extra: E;
}

type Work<E, T> = (db: InTransaction<SystemDb & E>) => Promise<T>;

/** Runs `work` in a transaction, and again after a failure that only a repetition cures. */
export async function transact<E extends object, T>(pool: Pool, opening: Opening<E>, work: Work<E, T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.use((session) => once(session, opening, work));
    } catch (error) {
      const code = pgErrorCode(error);
      if ((code !== serializationFailure && code !== deadlock) || attempt > retries) throw error;
      await sleep(Math.random() * 20 * 2 ** attempt);
    }
  }
}

interface Scope {
  open: boolean;
  savepoints: number;
  /** What goes with the commit. */
  readonly last: Statement[];
}

async function once<E extends object, T>(session: Session, { begin, extra }: Opening<E>, work: Work<E, T>): Promise<T> {
  const scope: Scope = { open: true, savepoints: 0, last: [] };
  let value: T;
  try {
    await session.script(begin);
    value = await work(createScope(session, scope, extra));
  } catch (error) {
    scope.open = false;
    await session
      .script('rollback')
      .catch(() => session.discard(new DatabaseUnavailable('LOST', 'the rollback failed')));
    throw error;
  }
  scope.open = false;
  const { command } = await session.commit(scope.last);
  if (command === 'ROLLBACK') throw new TransactionRolledBack();
  return value;
}

function createScope<E extends object>(session: Session, scope: Scope, extra: E): InTransaction<SystemDb & E> {
  let last: Promise<unknown> = Promise.resolve();
  const check = (): void => {
    if (!scope.open) throw new Error('the transaction is over');
  };
  return {
    ...extra,
    async rows<R extends object>(statement: Parameters<SystemDb['rows']>[0]) {
      check();
      return (await session.run(compile(statement))).rows as R[];
    },
    stream(statement, batch) {
      check();
      return streamInside(session, compile(statement), batch);
    },
    withCommit(statement) {
      check();
      scope.last.push(compile(statement));
    },
    savepoint(work) {
      // Two savepoints at once would nest in each other, so one waits for the other.
      const turn = last.then(async () => {
        check();
        const name = `olympus_${++scope.savepoints}`;
        await session.script(`savepoint ${name}`);
        try {
          const value = await work(createScope(session, scope, extra));
          await session.script(`release savepoint ${name}`);
          return value;
        } catch (error) {
          await session.script(`rollback to savepoint ${name}; release savepoint ${name}`);
          throw error;
        }
      });
      last = turn.catch(() => {});
      return turn;
    },
  };
}
