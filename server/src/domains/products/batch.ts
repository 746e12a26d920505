import type { contracts } from '@olympus/contracts';
import { appendAll } from '../../events/outbox.ts';
import { fail } from '../../kernel/failure.ts';
import type { Handler } from '../../kernel/implement.ts';
import { refusalOf, resultOf, type Outcome } from '../batch.ts';
import { create, update, type Changing } from './changes.ts';
import { eventsOf, type ProductChange } from './product.ts';
import { lockProducts } from './repository.ts';

type Batch = typeof contracts.products.batch;
type Operation = Parameters<Handler<Batch>>[0]['input']['operations'][number];

/** Each operation is one statement, within a savepoint where the database may refuse it; their events are written at once. */
export const batch: Handler<Batch> = async ({ input: { operations }, ctx }) => {
  await lockProducts(
    ctx.db,
    operations.flatMap((operation) => (operation.op === 'update' ? [operation.id] : [])),
  );
  const outcomes: Outcome<ProductChange>[] = [];
  for (const operation of operations) outcomes.push(await perform(ctx, operation).catch(refusalOf));
  await appendAll(ctx, eventsOf(outcomes.filter((outcome) => 'product' in outcome)));
  return {
    results: operations.map(({ op }, index) => {
      const item = { index, success: op === 'create' ? 201 : 200, requestId: ctx.requestId } as const;
      const { value, ...result } = resultOf(outcomes[index]!, item);
      return { ...result, product: value?.product ?? null };
    }),
  };
};

const perform = (ctx: Changing, operation: Operation): Promise<ProductChange> =>
  operation.op === 'create'
    ? create(ctx, operation.product, fail)
    : update(ctx, { id: operation.id, ...operation.changes }, fail);
