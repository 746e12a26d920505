import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { pgErrorCode } from './errors.ts';

/** Tenants' calls run as `app`, under row-level security; what crosses tenants runs as `system`, with policies of its own. */
export const roles = { app: 'olympus_app', system: 'olympus_system' } as const;

/** Where the queue of jobs keeps its tables, which it makes itself: so the system role owns it, and may make nothing else. */
export const jobsSchema = 'pgboss';

const names: readonly string[] = Object.values(roles);

/** What PostgreSQL answers when another process creates or grants the same role at the same time. */
const races = new Set(['42710', '23505', 'XX000', '40001', '40P01']);

/** Creates the roles where they are missing and lets the current login take them. Safe to run in many processes at once. */
export async function createRoles(sql: postgres.Sql): Promise<void> {
  for (const name of names) {
    await retryRaces(async () => {
      const [role] =
        await sql`select rolcanlogin or rolsuper or rolbypassrls as powerful from pg_roles where rolname = ${name}`;
      if (!role) await sql.unsafe(`create role ${name} nologin nosuperuser nobypassrls`);
      else if (role['powerful']) await sql.unsafe(`alter role ${name} nologin nosuperuser nobypassrls`);
    });
    await retryRaces(async () => {
      // From 16 on a membership may lack the right to SET ROLE; before, pg_has_role does not know that word.
      const [version] = await sql`select current_setting('server_version_num')::int as number`;
      const privilege = Number(version?.['number']) >= 160000 ? 'SET' : 'MEMBER';
      const [member] = await sql`select pg_has_role(current_user, ${name}, ${privilege}) as already`;
      if (!member?.['already']) await sql.unsafe(`grant ${name} to current_user`);
    });
  }
}

/** What tenants' calls may add to and read, and nothing else. */
const appendOnly = ['audit_entries', 'audit_heads', 'order_workflow_steps'];

/** Gives both roles the tables of `public`, those of later migrations too, and the system role the room of its jobs. What rows they reach is the policies' matter. */
export async function grantTables(sql: postgres.Sql): Promise<void> {
  const both = names.join(', ');
  await retryRaces(() =>
    sql
      .unsafe(`
      grant usage on schema public to ${both};
      grant select, insert, update, delete on all tables in schema public to ${both};
      ${withdrawals()}
      grant usage, select on all sequences in schema public to ${both};
      alter default privileges in schema public grant select, insert, update, delete on tables to ${both};
      alter default privileges in schema public grant usage, select on sequences to ${both};
      create schema if not exists ${jobsSchema} authorization ${roles.system};
    `)
      .simple(),
  );
}

/** In one transaction with the grants, so that nobody has them for a moment. */
const withdrawals = (): string =>
  appendOnly
    .map(
      (table) => `do $$ begin
        if to_regclass('public.${table}') is not null then revoke update, delete on ${table} from ${roles.app}; end if;
      end $$;`,
    )
    .join('\n');

async function retryRaces(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (!races.has(pgErrorCode(error) ?? '') || attempt === 10) throw error;
      await sleep(10 + Math.random() * 20 * attempt);
    }
  }
}
