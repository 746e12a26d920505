import { array, sql, type SQL, type SystemDb } from '@olympus/database';

export interface AttemptRule {
  /** Failures before the first wait. */
  readonly free: number;
  /** Attempts that may be under way before any is judged. */
  readonly atOnce: number;
  /** After which failures are forgotten. */
  readonly forgottenMs: number;
  /** Whether that time starts anew with each attempt. */
  readonly slides: boolean;
}
interface Turn {
  readonly key: string;
  readonly rule: AttemptRule;
  readonly now: Date;
}

const longestSeconds = 900;
const waitAfter = (count: SQL, { free }: AttemptRule) =>
  sql`make_interval(secs => least(${longestSeconds}::float8, power(2, least(greatest(${count} - ${free}::int, 0), 20))))`;

/** Counts an attempt; null, or until when it has to wait, and is not counted. */
export async function takeTurn(db: SystemDb, { key, rule, now }: Turn): Promise<Date | null> {
  const forgottenAt = new Date(now.getTime() + rule.forgottenMs);
  const [row] = await db.rows<{ taken: boolean; until: Date | null }>(sql`
    with taken as (
      insert into sign_in_failures as f (key, count, expires_at) values (${key}, 1, ${forgottenAt})
      on conflict (key) do update set
        count = case when f.expires_at <= ${now} then 1 else f.count + 1 end,
        blocked_until = case when f.expires_at > ${now} and f.count + 1 >= ${rule.atOnce}
                        then ${now}::timestamptz + ${waitAfter(sql`(f.count + 1)`, rule)} end,
        expires_at = case when f.expires_at <= ${now} or ${rule.slides}::boolean then ${forgottenAt} else f.expires_at end
      where f.blocked_until is null or f.blocked_until <= ${now}
      returning 1)
    select exists (select from taken) as taken, (select blocked_until from sign_in_failures where key = ${key}) as until`);
  // Where another attempt has blocked it this very moment, this statement does not see until when.
  return row?.taken ? null : (row?.until ?? now);
}

/** After a failure: the longer the more there were. */
export async function delayNext(db: SystemDb, { key, rule, now }: Turn): Promise<void> {
  await db.rows(sql`
    update sign_in_failures set blocked_until = ${now}::timestamptz + ${waitAfter(sql`count`, rule)}
    where key = ${key} and count >= ${rule.free}`);
}

/** An attempt was not one. Locked in one order, so that two that share keys do not wait for each other. */
export async function giveBack(db: SystemDb, keys: readonly string[]): Promise<void> {
  await db.rows(sql`
    with held as (select key from sign_in_failures where key = any(${array(keys)}::text[]) order by key for update)
    update sign_in_failures f set count = greatest(f.count - 1, 0), blocked_until = null from held where f.key = held.key`);
}

export async function forget(db: SystemDb, key: string): Promise<void> {
  await db.rows(sql`delete from sign_in_failures where key = ${key}`);
}

/** Where the user of an address has used a session since then. */
export async function addressesOf(db: SystemDb, email: string, since: Date): Promise<string[]> {
  const rows = await db.rows<{ address: string }>(sql`
    select distinct s.address from users u join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
    where u.email = ${email} and s.last_used_at > ${since} limit 1000`);
  return rows.map(({ address }) => address);
}
