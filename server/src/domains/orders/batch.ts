import type { contracts } from '@olympus/contracts';
import { fail } from '../../kernel/failure.ts';
import type { Handler } from '../../kernel/implement.ts';
import { resultOf } from '../batch.ts';
import { applyChanges } from './changes.ts';
import { placing, type Till } from './place.ts';
import { revising } from './revise.ts';

/** Each operation succeeds or fails alone; those that succeed commit together. */
export const batch = async (
  { input: { operations }, ctx }: Parameters<Handler<typeof contracts.orders.batch>>[0],
  till: Till,
): ReturnType<Handler<typeof contracts.orders.batch>> => {
  const changes = operations.map((operation) =>
    operation.op === 'create'
      ? placing(operation.order, till, fail)
      : revising({ id: operation.id, ...operation.changes }, fail),
  );
  const outcomes = await applyChanges(ctx, changes);
  return {
    results: outcomes.map((outcome, index) => {
      const success = operations[index]?.op === 'create' ? 201 : 200;
      const { value: order, ...result } = resultOf(outcome, { index, success, requestId: ctx.requestId });
      return { ...result, order };
    }),
  };
};
