import { contracts } from '@olympus/contracts';
import type { Fail } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import type { Refusals } from '../records.ts';
import { locationList, locationRecords } from './repository.ts';

export interface LocationsDependencies {
  readonly cursors: Cursors;
}

export const locations = ({ cursors }: LocationsDependencies): Handlers<typeof contracts.locations> =>
  implement(contracts.locations, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: locationList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) =>
      (await locationRecords.find(ctx.db, id)) ?? fail('LOCATION_NOT_FOUND', { id }),
    create: ({ input: { name, address = null }, ctx, fail }) =>
      locationRecords.create(
        ctx,
        { name, address, active: true },
        { taken: () => fail('LOCATION_NAME_TAKEN', { name }) },
      ),
    update: ({ input: { id, expectedVersion, ...values }, ctx, fail }) =>
      locationRecords.change(ctx, { id, expectedVersion, values }, refusals(id, values.name, fail)),
    replace: ({ input: { id, expectedVersion, name, address = null, active }, ctx, fail }) =>
      locationRecords.change(ctx, { id, expectedVersion, values: { name, address, active } }, refusals(id, name, fail)),
  });

const refusals = (
  id: string,
  name: string | undefined,
  fail: Fail<'LOCATION_NOT_FOUND' | 'LOCATION_NAME_TAKEN'>,
): Refusals => ({
  missing: () => fail('LOCATION_NOT_FOUND', { id }),
  taken: () => fail('LOCATION_NAME_TAKEN', { name: name ?? '' }),
});
