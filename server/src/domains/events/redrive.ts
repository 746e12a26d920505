import type { contracts } from '@olympus/contracts';
import type { Consumers } from '../../events/consumers/consumers.ts';
import type { Handler } from '../../kernel/implement.ts';
import { lettersToRedrive, reviveLetters } from './repository.ts';

const shownAtOnce = 100;

/** Whoever names letters is told of the first that cannot be tried again, and then none is. */
export const redriveLetters =
  ({ all }: Pick<Consumers, 'all'>): Handler<typeof contracts.events.deadLetters.redrive> =>
  async ({ input: { dryRun, ids: named, ...filters }, ctx, fail }) => {
    const { db, clock } = ctx;
    const consumers = all.map(({ name }) => name);
    const letters = await lettersToRedrive(db, { ids: named, ...filters }, consumers);
    const ids = letters.map(({ id }) => id);
    if (named) {
      const missing = named.find((id) => !ids.includes(id.toLowerCase()));
      if (missing !== undefined) fail('DEAD_LETTER_NOT_FOUND', { id: missing });
      for (const { state, consumer } of letters) {
        if (state !== 'dead') fail('DEAD_LETTER_NOT_DEAD', { state });
        if (!consumers.includes(consumer)) fail('CONSUMER_NOT_FOUND', { id: consumer });
      }
    }
    const count = dryRun || ids.length === 0 ? ids.length : await reviveLetters(db, ids, clock.now());
    const heldBehind = letters.reduce((sum, letter) => sum + letter.heldBehind, 0);
    ctx.record({ after: { dryRun, count, ids } });
    return { dryRun, count, heldBehind, deadLetters: letters.slice(0, shownAtOnce) };
  };
