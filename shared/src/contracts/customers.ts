import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { CustomerEvent } from '../events.ts';
import { Country, expectedVersion, Id, lastEventId, pageInput, pageOf, sortOf, Words } from '../models/common.ts';
import { Customer, customerChanges, newCustomer } from '../models/people.ts';

const { CUSTOMER_CODE_TAKEN, CUSTOMER_NOT_FOUND } = errors;

export const customers = {
  list: query({
    summary: 'List customers',
    operationId: 'listCustomers',
    rest: 'GET /customers',
    access: 'customers:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name'], '-createdAt'),
      q: Words.optional().meta({ description: 'Part of the name, code or e-mail address', examples: ['12347'] }),
      country: Country.optional(),
    }),
    output: pageOf(Customer, 'CustomerPage'),
  }),
  get: query({
    summary: 'Get a customer',
    operationId: 'getCustomer',
    rest: 'GET /customers/{id}',
    access: 'customers:read',
    input: z.strictObject({ id: Id }),
    output: Customer,
    errors: { CUSTOMER_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Add a customer',
    operationId: 'createCustomer',
    rest: 'POST /customers',
    status: 201,
    access: 'customers:write',
    input: z.strictObject(newCustomer),
    output: Customer,
    errors: { CUSTOMER_CODE_TAKEN },
  }),
  update: mutation({
    summary: 'Change what is named of a customer',
    operationId: 'updateCustomer',
    rest: 'PATCH /customers/{id}',
    access: 'customers:write',
    input: z.strictObject({ id: Id, ...customerChanges, expectedVersion }),
    output: Customer,
    errors: { CUSTOMER_NOT_FOUND, CUSTOMER_CODE_TAKEN },
  }),
  replace: mutation({
    summary: 'Replace a customer',
    operationId: 'replaceCustomer',
    rest: 'PUT /customers/{id}',
    access: 'customers:write',
    input: z.strictObject({ id: Id, ...newCustomer, expectedVersion }),
    output: Customer,
    errors: { CUSTOMER_NOT_FOUND, CUSTOMER_CODE_TAKEN },
  }),
  updates: subscription({
    summary: 'Follow the changes of customers',
    operationId: 'followCustomers',
    rest: 'GET /customers/events',
    access: 'customers:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({ customerId: Id.optional(), country: Country.optional(), lastEventId }),
    output: CustomerEvent,
  }),
};
