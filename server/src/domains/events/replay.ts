import type { contracts } from '@olympus/contracts';
import type { Consumers } from '../../events/consumers/consumers.ts';
import type { Handler } from '../../kernel/implement.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import { countEvents, insertReplay } from './repository.ts';

const fault = (field: string, message: string) =>
  invalidInput([{ field, message, code: 'invalid_value', nearest: null }]);

/** A replay is an offset of its own with an end: the consumer goes through it beside the log. */
export const replayEvents =
  ({ all }: Pick<Consumers, 'all'>): Handler<typeof contracts.events.replay> =>
  async ({ input, ctx: { db, clock, ids }, fail }) => {
    const { dryRun } = input;
    const consumer =
      all.find(({ name }) => name === input.consumer) ?? fail('CONSUMER_NOT_FOUND', { id: input.consumer });
    const from = input.from ?? null;
    const to = input.to ?? null;
    if (from && to && from >= to) throw fault('to', 'must lie after from');
    const types = input.types ? [...new Set(input.types)] : consumer.types;
    const foreign = types.filter((type) => !consumer.types.includes(type));
    if (foreign.length > 0)
      throw fault('types', `must be among those that ${consumer.name} takes: ${consumer.types.join(', ')}`);
    const range = { consumer: consumer.name, types, from, to };
    const { count, first, last, epoch } = await countEvents(db, range);
    const told = { dryRun, consumer: consumer.name, count };
    if (dryRun || first === null || last === null || epoch === null) return { ...told, replayId: null };
    const id = ids.next();
    await insertReplay(db, { ...range, id, epoch, first: Number(first), last: Number(last) }, clock.now());
    return { ...told, replayId: id };
  };
