import { EmailAddress, Password, text } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { z } from 'zod';
import { fail } from '../../kernel/failure.ts';
import { parseInput } from '../../kernel/steps/validate.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { insertAdmin, platformTenant } from './repository.ts';

const newAdmin = z.strictObject({ email: EmailAddress, name: text(200), password: Password });
export type NewAdmin = z.input<typeof newAdmin>;

export interface AdminDependencies {
  readonly database: Pick<Database, 'systemTransaction'>;
  readonly passwords: { hash(password: string): Promise<string> };
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * Makes a user of the platform, who signs in as everybody does and lives in no customer's tenant. Fails with
 * `INVALID_INPUT` and `EMAIL_TAKEN`.
 */
export async function createAdmin(deps: AdminDependencies, input: NewAdmin): Promise<void> {
  const { database, passwords, clock, ids } = deps;
  const { email, name, password } = parseInput(newAdmin, input) as z.output<typeof newAdmin>;
  const passwordHash = await passwords.hash(password);
  const now = clock.now();
  await database.systemTransaction(async (db) => {
    const tenantId = await platformTenant(db, { id: ids.next(), now });
    const made = await insertAdmin(db, { tenantId, id: ids.next(), email, name, passwordHash, now });
    if (!made) fail('EMAIL_TAKEN', { email });
  });
}
