import { createHash } from 'node:crypto';
import { sql, type Db } from '@olympus/database';
import { deserialize, serialize } from 'superjson';
import type { Call } from '../context.ts';
import type { KernelDependencies, Next } from '../execute.ts';
import { invalidInput } from './validate.ts';
import { Failure } from '../failure.ts';

const keptForMs = 24 * 60 * 60 * 1000;
type Answer = { ok: true; value: unknown } | { ok: false; code: string; data: unknown };
interface Kept {
  procedure: string;
  input_hash: string;
  answer: Parameters<typeof deserialize>[0];
}

/** Keys whose first call runs in this process; in other processes the database's lock tells. */
const running = new Set<string>();

/**
 * Answers each key once: the first answer commits with the state it tells of and is replayed for 24 hours.
 * Follows draft-ietf-httpapi-idempotency-key-header: another input is 422, a first call still running 409.
 */
export async function answerOnce(deps: KernelDependencies, call: Call, next: Next): Promise<unknown> {
  const principal = call.principal;
  const key = call.idempotencyKey;
  if (!principal || key === null) throw new Error('a key needs its principal');
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalidInput([
      {
        field: 'Idempotency-Key',
        message: 'must be 1 to 255 visible ASCII characters',
        code: 'invalid_format',
        nearest: null,
      },
    ]);

  const name = `${principal.tenantId}:${principal.userId}:${key}`;
  if (running.has(name)) throw new Failure('IDEMPOTENCY_IN_PROGRESS', null);
  running.add(name);
  try {
    const scope = {
      userId: principal.userId,
      key,
      procedure: call.procedure.path,
      hash: hashOf(call.input),
      now: deps.clock.now(),
    };
    let kept: Answer | null = null;
    try {
      return await deps.database.transaction(principal, async (db) => {
        call.stale.clear();
        kept = await recall(db, name, scope);
        if (kept) return replay(call, kept);
        call.db = db;
        const value = await next(call);
        await remember(db, scope, { ok: true, value });
        return value;
      });
    } catch (cause) {
      // An expected refusal is an answer too; its transaction is gone, so it is kept by one of its own.
      if (!kept && isAnswer(call, cause)) {
        const { code, data } = cause;
        await deps.database.transaction(principal, (db) => remember(db, scope, { ok: false, code, data }));
      }
      throw cause;
    }
  } finally {
    running.delete(name);
  }
}

interface Scope {
  userId: string;
  key: string;
  procedure: string;
  hash: string;
  now: Date;
}

async function recall(db: Db, name: string, scope: Scope): Promise<Answer | null> {
  const [lock] = await db.rows<{ free: boolean }>(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as free`,
  );
  if (!lock?.free) throw new Failure('IDEMPOTENCY_IN_PROGRESS', null);
  const [kept] = await db.rows<Kept>(sql`
    select procedure, input_hash, answer from idempotency_keys
    where tenant_id = ${db.tenantId}::uuid and principal = ${scope.userId} and key = ${scope.key} and expires_at > ${scope.now}`);
  if (!kept) return null;
  if (kept.procedure !== scope.procedure || kept.input_hash !== scope.hash)
    throw new Failure('IDEMPOTENCY_KEY_REUSED', null);
  return deserialize<Answer>(kept.answer);
}

/** Leaves what is kept already: a refusal is written after its own transaction, when another process may have answered. */
async function remember(db: Db, scope: Scope, answer: Answer): Promise<void> {
  const expiresAt = new Date(scope.now.getTime() + keptForMs);
  await db.rows(sql`
    insert into idempotency_keys (tenant_id, principal, key, procedure, input_hash, answer, created_at, expires_at)
    values (${db.tenantId}::uuid, ${scope.userId}, ${scope.key}, ${scope.procedure}, ${scope.hash},
            ${JSON.stringify(serialize(answer))}::text::jsonb, ${scope.now}, ${expiresAt})
    on conflict (tenant_id, principal, key) do update
      set procedure = excluded.procedure, input_hash = excluded.input_hash, answer = excluded.answer,
          created_at = excluded.created_at, expires_at = excluded.expires_at
      where idempotency_keys.expires_at <= excluded.created_at`);
}

function replay(call: Call, answer: Answer): unknown {
  call.notes.replayed = true;
  if (answer.ok) return answer.value;
  throw new Failure(answer.code as never, answer.data as never);
}

const isAnswer = (call: Call, cause: unknown): cause is Failure =>
  cause instanceof Failure && Object.hasOwn(call.procedure.contract.def.errors ?? {}, cause.code);

/** The input's canonical form, so that the order of fields makes no difference. */
const hashOf = (input: unknown): string =>
  createHash('sha256')
    .update(
      JSON.stringify(input ?? null, (_, value: unknown) =>
        isPlain(value) ? Object.fromEntries(Object.entries(value).sort(byName)) : value,
      ),
    )
    .digest('base64url');
const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
