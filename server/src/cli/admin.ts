import type { Database } from '@olympus/database';
import type { Command } from 'commander';
import { createPasswords } from '../domains/auth/passwords.ts';
import { createAdmin } from '../domains/tenants/admins.ts';
import { Failure } from '../kernel/failure.ts';
import { systemClock } from '../platform/clock.ts';
import { randomIds } from '../platform/ids.ts';

const details = `
The password comes from OLYMPUS_ADMIN_PASSWORD; without one it is made up and shown this once.
Works on the database of DATABASE_URL, or on the embedded one while no server runs on it.`;

export interface AdminOptions {
  readonly open: () => Promise<Database>;
  /** null: made up. */
  readonly password: () => string | null;
  /** Memory of its hash. */
  readonly passwordKib: () => number;
}

/** `olympus admin create`: the only way in which a user of the platform comes to be. */
export function adminCommand(program: Command, { open, password: given, passwordKib }: AdminOptions): void {
  program
    .command('admin')
    .description('users of the platform itself')
    .command('create')
    .description('make a super_admin, who reaches tenants through tenants.* alone')
    .requiredOption('--email <address>', 'whom to sign in')
    .requiredOption('--name <name>', 'as the audit log shows them')
    .addHelpText('after', details)
    .action(async ({ email, name }: { email: string; name: string }) => {
      const chosen = given();
      const password = chosen ?? randomIds.secret(18);
      const database = await open();
      try {
        const deps = {
          database,
          passwords: createPasswords({ kib: passwordKib() }),
          clock: systemClock,
          ids: randomIds,
        };
        await createAdmin(deps, { email, name, password });
      } catch (error) {
        throw error instanceof Failure ? new Error(describe(error), { cause: error }) : error;
      } finally {
        await database.close();
      }
      process.stdout.write(`${email} is a super_admin${chosen === null ? `. Password: ${password}` : ''}\n`);
    });
}

function describe({ message, data }: Failure): string {
  const { issues = [] } = (data ?? {}) as { issues?: { field: string; message: string }[] };
  return [message, ...issues.map((issue) => `  ${issue.field} ${issue.message}`)].join('\n');
}
