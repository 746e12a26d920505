import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { AddressRules, wholeAddressRules } from '../models/address-rules.ts';
import { expectedVersion } from '../models/common.ts';

const { ADDRESS_LOCKED_OUT } = errors;

export const addressRules = {
  get: query({
    summary: 'Get the addresses from which the tenant may be called',
    operationId: 'getAddressRules',
    rest: 'GET /address-rules',
    access: 'tenant:manage',
    output: AddressRules,
  }),
  replace: mutation({
    summary:
      'Set the addresses from which the tenant may be called; within a second they hold for every call and open stream',
    operationId: 'replaceAddressRules',
    rest: 'PUT /address-rules',
    access: 'tenant:manage',
    input: z.strictObject({
      ...wholeAddressRules,
      force: z
        .boolean()
        .default(false)
        .meta({ description: 'Set them even if they keep out whoever sets them', examples: [true] }),
      expectedVersion,
    }),
    output: AddressRules,
    errors: { ADDRESS_LOCKED_OUT },
  }),
};
