import type { contracts, ParsedInputOf, Role, User } from '@olympus/contracts';
import { array, sql, type Db } from '@olympus/database';
import type { List } from '../paging.ts';
import { hasWords } from '../words.ts';

type Filters = ParsedInputOf<typeof contracts.users.list.def>;

export interface NewUser {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly passwordHash: string;
  readonly locationIds: readonly string[];
}
/** What is undefined stays as it is. */
export interface UserChanges {
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  readonly active?: boolean | undefined;
  readonly passwordHash?: string | undefined;
  readonly locationIds?: readonly string[] | undefined;
}

const columns = sql`id, email, name, role, active, location_ids as "locationIds", created_at as "createdAt", updated_at as "updatedAt", version`;

export const userList = (db: Db, { q, role, active }: Filters): List<User, User> => ({
  name: 'users',
  select: columns,
  from: sql`from users`,
  where: [
    sql`tenant_id = ${db.tenantId}::uuid`,
    role === undefined ? undefined : sql`role = ${role}`,
    active === undefined ? undefined : sql`active = ${active}`,
    q === undefined ? undefined : hasWords([sql`name`, sql`email`], q),
  ],
  id: sql`id`,
  sortable: {
    createdAt: { column: sql`created_at`, type: 'timestamptz' },
    name: { column: sql`name`, type: 'text' },
    email: { column: sql`email`, type: 'text' },
  },
  item: (user) => user,
});

export async function findUser(db: Db, id: string): Promise<User | undefined> {
  const [user] = await db.rows<User>(
    sql`select ${columns} from users where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid`,
  );
  return user;
}

/** undefined when the address is in use, in whichever tenant. */
export async function insertUser(db: Db, user: NewUser, now: Date): Promise<User | undefined> {
  const [created] = await db.rows<User>(sql`
    insert into users (tenant_id, id, email, name, role, active, location_ids, password_hash, created_at, updated_at, version)
    values (${db.tenantId}::uuid, ${user.id}::uuid, ${user.email}, ${user.name}, ${user.role}, true,
            ${array(user.locationIds)}::uuid[], ${user.passwordHash}, ${now}, ${now}, 1)
    on conflict on constraint users_email do nothing
    returning ${columns}`);
  return created;
}

/**
 * Locks a user together with all active owners, in one order: of two changes at once that would each leave the other's
 * owner as the last one, the second sees what the first has done.
 */
export async function lockWithOwners(db: Db, id: string): Promise<{ user: User; otherOwners: number } | undefined> {
  const locked = await db.rows<User>(sql`
    select ${columns} from users
    where tenant_id = ${db.tenantId}::uuid and (id = ${id}::uuid or (role = 'owner' and active))
    order by id for no key update`);
  const user = locked.find((one) => one.id === id.toLowerCase());
  return user && { user, otherOwners: locked.filter((one) => one.id !== user.id).length };
}

/** Throws the database's `23505` when the address is in use. */
export async function updateUser(db: Db, id: string, changes: UserChanges & { now: Date }): Promise<User | undefined> {
  const set = [sql`version = version + 1`, sql`updated_at = ${changes.now}`];
  if (changes.email !== undefined) {
    set.push(sql`email = ${changes.email}`);
    // Another address is another mailbox, which nobody has shown to be theirs.
    set.push(sql`email_verified_at = case when email = ${changes.email} then email_verified_at end`);
  }
  if (changes.name !== undefined) set.push(sql`name = ${changes.name}`);
  if (changes.role !== undefined) set.push(sql`role = ${changes.role}`);
  if (changes.active !== undefined) set.push(sql`active = ${changes.active}`);
  if (changes.locationIds !== undefined) set.push(sql`location_ids = ${array(changes.locationIds)}::uuid[]`);
  if (changes.passwordHash !== undefined) set.push(sql`password_hash = ${changes.passwordHash}`);
  const [changed] = await db.rows<User>(sql`
    update users set ${sql.join(set, sql`, `)} where tenant_id = ${db.tenantId}::uuid and id = ${id}::uuid
    returning ${columns}`);
  return changed;
}

/** Ends all sessions of a user; their access tokens are refused from the next look at the database on. */
export async function endSessions(db: Db, userId: string, now: Date): Promise<void> {
  await db.rows(sql`
    update sessions set ended_at = ${now}
    where tenant_id = ${db.tenantId}::uuid and user_id = ${userId}::uuid and ended_at is null`);
}

/** One of the ids that is no location of the tenant. */
export async function findUnknownLocation(db: Db, ids: readonly string[]): Promise<string | undefined> {
  if (ids.length === 0) return undefined;
  const found = await db.rows<{ id: string }>(
    sql`select id from locations where tenant_id = ${db.tenantId}::uuid and id = any(${array(ids)}::uuid[])`,
  );
  return ids.find((id) => !found.some((row) => row.id === id));
}
