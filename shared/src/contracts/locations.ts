import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { expectedVersion, Id, pageInput, pageOf, sortOf, Words } from '../models/common.ts';
import { Location, locationChanges, newLocation, wholeLocation } from '../models/people.ts';

const { LOCATION_NAME_TAKEN, LOCATION_NOT_FOUND } = errors;

export const locations = {
  list: query({
    summary: 'List locations',
    operationId: 'listLocations',
    rest: 'GET /locations',
    access: 'locations:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name'], 'name'),
      q: Words.optional(),
      active: z
        .boolean()
        .optional()
        .meta({ examples: [true] }),
    }),
    output: pageOf(Location, 'LocationPage'),
  }),
  get: query({
    summary: 'Get a location',
    operationId: 'getLocation',
    rest: 'GET /locations/{id}',
    access: 'locations:read',
    input: z.strictObject({ id: Id }),
    output: Location,
    errors: { LOCATION_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Add a location',
    operationId: 'createLocation',
    rest: 'POST /locations',
    status: 201,
    access: 'locations:write',
    input: z.strictObject(newLocation),
    output: Location,
    errors: { LOCATION_NAME_TAKEN },
  }),
  update: mutation({
    summary: 'Change what is named of a location',
    operationId: 'updateLocation',
    rest: 'PATCH /locations/{id}',
    access: 'locations:write',
    input: z.strictObject({ id: Id, ...locationChanges, expectedVersion }),
    output: Location,
    errors: { LOCATION_NOT_FOUND, LOCATION_NAME_TAKEN },
  }),
  replace: mutation({
    summary: 'Replace a location',
    operationId: 'replaceLocation',
    rest: 'PUT /locations/{id}',
    access: 'locations:write',
    input: z.strictObject({ id: Id, ...wholeLocation, expectedVersion }),
    output: Location,
    errors: { LOCATION_NOT_FOUND, LOCATION_NAME_TAKEN },
  }),
};
