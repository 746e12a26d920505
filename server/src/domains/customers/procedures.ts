import { contracts, type InputOf } from '@olympus/contracts';
import type { Fail } from '../../kernel/failure.ts';
import { implement, type Handler, type Handlers } from '../../kernel/implement.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import type { Refusals } from '../records.ts';
import { customerList, customerRecords } from './repository.ts';

export interface CustomersDependencies {
  readonly cursors: Cursors;
  readonly follow: Handler<typeof contracts.customers.updates>;
}

export const customers = ({ cursors, follow }: CustomersDependencies): Handlers<typeof contracts.customers> =>
  implement(contracts.customers, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: customerList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) =>
      (await customerRecords.find(ctx.db, id)) ?? fail('CUSTOMER_NOT_FOUND', { id }),
    create: ({ input, ctx, fail }) =>
      customerRecords.create(ctx, wholeOf(input), {
        taken: () => fail('CUSTOMER_CODE_TAKEN', { code: input.code ?? '' }),
      }),
    update: ({ input: { id, expectedVersion, ...values }, ctx, fail }) =>
      customerRecords.change(ctx, { id, expectedVersion, values }, refusals(id, values.code, fail)),
    replace: ({ input: { id, expectedVersion, ...whole }, ctx, fail }) =>
      customerRecords.change(ctx, { id, expectedVersion, values: wholeOf(whole) }, refusals(id, whole.code, fail)),
    updates: follow,
  });

/** What is absent is empty. */
const wholeOf = ({ code, name, email, phone, country }: InputOf<(typeof contracts.customers.create)['def']>) => ({
  code: code ?? null,
  name,
  email: email ?? null,
  phone: phone ?? null,
  country: country ?? null,
});

const refusals = (
  id: string,
  code: string | null | undefined,
  fail: Fail<'CUSTOMER_NOT_FOUND' | 'CUSTOMER_CODE_TAKEN'>,
): Refusals => ({
  missing: () => fail('CUSTOMER_NOT_FOUND', { id }),
  taken: () => fail('CUSTOMER_CODE_TAKEN', { code: code ?? '' }),
});
