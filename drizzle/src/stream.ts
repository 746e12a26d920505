import { DatabaseUnavailable } from './errors.ts';
import type { Pool } from './pool.ts';
import type { Session } from './session.ts';
import type { Statement } from './statement.ts';

let cursors = 0;

/** Reads a cursor within the transaction that `session` is in. */
export async function* streamInside<R extends object>(
  session: Session,
  statement: Statement,
  batch: number,
): AsyncGenerator<R[], void> {
  const cursor = await declare(session, statement, '');
  try {
    yield* fetchAll<R>(session, cursor, batch);
  } finally {
    // Fails only where the transaction has failed already, which ends the cursor too.
    await session.script(`close ${cursor}`).catch(() => {});
  }
}

/**
 * Reads with a connection of its own. `hold` writes the whole result aside first and leaves the transaction, so that a
 * slow reader keeps none open; otherwise rows come as the server finds them.
 */
export async function* streamAlone<R extends object>(
  pool: Pool,
  statement: Statement,
  { begin, batch, hold }: { begin: string; batch: number; hold: boolean },
): AsyncGenerator<R[], void> {
  const session = await pool.lease();
  try {
    await session.script(begin);
    const cursor = await declare(session, statement, hold ? 'with hold' : '');
    if (hold) await session.script('commit');
    try {
      yield* fetchAll<R>(session, cursor, batch);
    } finally {
      if (hold) await session.script(`close ${cursor}`);
    }
  } finally {
    if (!(await ended(session))) session.discard(new DatabaseUnavailable('LOST', 'the stream did not end cleanly'));
    pool.giveBack(session);
  }
}

/** Outside a transaction `rollback` is a warning, so it is right after every way out. */
function ended(session: Session): Promise<boolean> {
  return session.script('rollback').then(
    () => true,
    () => false,
  );
}

async function declare(session: Session, { text, parameters }: Statement, hold: '' | 'with hold'): Promise<string> {
  const cursor = `olympus_cursor_${++cursors}`;
  await session.run({ text: `declare ${cursor} no scroll cursor ${hold} for ${text}`, parameters }, 'once');
  return cursor;
}

async function* fetchAll<R extends object>(session: Session, cursor: string, batch: number): AsyncGenerator<R[], void> {
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError('a batch must hold at least one row');
  for (;;) {
    const { rows } = await session.script(`fetch ${batch} from ${cursor}`);
    if (rows.length > 0) yield rows as R[];
    if (rows.length < batch) return;
  }
}
