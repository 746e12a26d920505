import { contracts } from '@olympus/contracts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import { createAdmits, plainBlock } from '../../platform/address-list.ts';
import { findRules, putRules } from './repository.ts';

/** Lists that were never set. */
const none = { allow: [], block: [], version: 1, updatedAt: null };

export const addressRules = (): Handlers<typeof contracts.addressRules> =>
  implement(contracts.addressRules, {
    get: async ({ ctx: { db } }) => (await findRules(db)) ?? none,
    replace: async ({ input, ctx: { db, clock, caller }, fail }) => {
      const allow = plain(input.allow);
      const block = plain(input.block);
      if (!input.force && !createAdmits({ allow, block })(caller.address))
        fail('ADDRESS_LOCKED_OUT', { address: caller.address });
      const { version } = (await findRules(db)) ?? none;
      const seen = input.expectedVersion ?? version;
      const set = seen === version ? await putRules(db, { allow, block, version, now: clock.now() }) : undefined;
      return set ?? fail('VERSION_CONFLICT', { currentVersion: (await findRules(db))?.version ?? version });
    },
  });

/** Each block once and in one form. */
const plain = (blocks: readonly string[]): string[] => [...new Set(blocks.map((text) => plainBlock(text) ?? text))];
