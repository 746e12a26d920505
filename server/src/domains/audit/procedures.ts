import { contracts } from '@olympus/contracts';
import type { Sealer } from '../../audit/sealer.ts';
import { readHead, verifyChain } from '../../audit/verify.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { entriesOf, entryList, findEntry } from './repository.ts';
import { auditUpdates } from './updates.ts';

export interface AuditDependencies {
  readonly cursors: Cursors;
  readonly sealer: Pick<Sealer, 'settled' | 'changed' | 'ended'>;
}

/** Only sealed entries are shown; a reader waits for the sealing of what was done before they asked. */
export const audit = ({ cursors, sealer }: AuditDependencies): Handlers<typeof contracts.audit> =>
  implement(contracts.audit, {
    list: async ({ input, ctx: { db } }) => {
      if (input.cursor === undefined) await sealer.settled(db);
      return page(db, cursors, { input, list: entryList(db, input) });
    },
    get: async ({ input: { id }, ctx: { db }, fail }) =>
      (await findEntry(db, id)) ?? fail('AUDIT_ENTRY_NOT_FOUND', { id }),
    head: async ({ ctx: { db } }) => {
      await sealer.settled(db);
      return readHead(db, db.tenantId);
    },
    verify: ({ input, ctx: { db } }) => verifyChain(db, { tenantId: db.tenantId, ...input }),
    async *export({ input, ctx: { db, signal } }) {
      await sealer.settled(db);
      for await (const entry of entriesOf(db, input)) {
        if (signal.aborted) return;
        yield entry;
      }
    },
    updates: auditUpdates(sealer),
  });
