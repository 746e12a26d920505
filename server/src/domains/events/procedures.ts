import { contracts, type ErrorCode, type ErrorsOf } from '@olympus/contracts';
import type { Db } from '@olympus/database';
import type { Consumers } from '../../events/consumers/consumers.ts';
import { lockLane, promote } from '../../events/consumers/order.ts';
import { standingOf } from '../../events/consumers/standing.ts';
import type { Fail } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { editedContent } from './content.ts';
import { redriveLetters } from './redrive.ts';
import { replayEvents } from './replay.ts';
import { deleteLetter, findLetter, letterList, updatePayload, type Letter } from './repository.ts';

export interface EventsDependencies {
  readonly cursors: Cursors;
  readonly consumers: Pick<Consumers, 'all'>;
}

export const events = ({ cursors, consumers }: EventsDependencies): Handlers<typeof contracts.events> =>
  implement(contracts.events, {
    async consumers({ ctx: { db } }) {
      const all = consumers.all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const standings = await standingOf(
        db,
        all.map(({ name }) => name),
      );
      return { items: standings.map((standing, at) => ({ ...standing, types: [...(all[at]?.types ?? [])] })) };
    },

    deadLetters: {
      list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: letterList(db, input) }),
      get: async ({ input: { id }, ctx: { db }, fail }) =>
        shown((await findLetter(db, id)) ?? fail('DEAD_LETTER_NOT_FOUND', { id })),

      async update({ input: { id, payload, expectedVersion }, ctx, fail }) {
        const { deadLetter, eventVersion, payload: before } = await hold(ctx.db, id, fail);
        if (expectedVersion !== undefined && expectedVersion !== deadLetter.version)
          fail('VERSION_CONFLICT', { currentVersion: deadLetter.version });
        const after = editedContent({ type: deadLetter.type, version: eventVersion, before, after: payload });
        await updatePayload(ctx.db, id, { payload: after, editedBy: ctx.principal.userId });
        ctx.record({ before: { payload: before }, after: { payload: after } });
        return shown((await findLetter(ctx.db, id)) ?? fail('DEAD_LETTER_NOT_FOUND', { id }));
      },

      async discard({ input: { id }, ctx, fail }) {
        const { deadLetter, payload, lane, subjectKey } = await hold(ctx.db, id, fail);
        await deleteLetter(ctx.db, id);
        await promote(ctx.db, { ...lane, subjects: [subjectKey], now: ctx.clock.now() });
        ctx.record({ before: { ...deadLetter, payload } });
        return null;
      },

      redrive: redriveLetters(consumers),
    },
    replay: replayEvents(consumers),
  });

const shown = ({ deadLetter, payload, heldBehind }: Letter) => ({ deadLetter, payload, heldBehind });

type Changing = Fail<
  (keyof ErrorsOf<typeof contracts.events.deadLetters.discard.def> & ErrorCode) | 'VERSION_CONFLICT'
>;

/** A dead letter that nobody else changes meanwhile; what is not given up is the consumer's. */
async function hold(db: Db, id: string, fail: Changing): Promise<Letter> {
  const found = (await findLetter(db, id)) ?? fail('DEAD_LETTER_NOT_FOUND', { id });
  await lockLane(db, found.lane);
  const letter = (await findLetter(db, id)) ?? fail('DEAD_LETTER_NOT_FOUND', { id });
  const { state } = letter.deadLetter;
  return state === 'dead' ? letter : fail('DEAD_LETTER_NOT_DEAD', { state });
}
