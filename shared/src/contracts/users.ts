import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { UserEvent } from '../events.ts';
import { expectedVersion, Id, lastEventId, pageInput, pageOf, sortOf, Words } from '../models/common.ts';
import { newUser, TenantRoleName, User, userChanges, wholeUser } from '../models/people.ts';

const { EMAIL_TAKEN, LAST_OWNER, LOCATION_NOT_FOUND, LOCATION_REFUSED, ROLE_TOO_HIGH, USER_NOT_FOUND } = errors;
const placed = { LOCATION_NOT_FOUND, LOCATION_REFUSED };

export const users = {
  list: query({
    summary: 'List users',
    operationId: 'listUsers',
    rest: 'GET /users',
    access: 'users:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name', 'email'], '-createdAt'),
      q: Words.optional(),
      role: TenantRoleName.optional(),
      active: z
        .boolean()
        .optional()
        .meta({ examples: [true] }),
    }),
    output: pageOf(User, 'UserPage'),
  }),
  get: query({
    summary: 'Get a user',
    operationId: 'getUser',
    rest: 'GET /users/{id}',
    access: 'users:read',
    input: z.strictObject({ id: Id }),
    output: User,
    errors: { USER_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Add a user',
    operationId: 'createUser',
    rest: 'POST /users',
    status: 201,
    access: 'users:write',
    input: z.strictObject(newUser),
    output: User,
    errors: { EMAIL_TAKEN, ROLE_TOO_HIGH, ...placed },
  }),
  update: mutation({
    summary: 'Change what is named of a user',
    operationId: 'updateUser',
    rest: 'PATCH /users/{id}',
    access: 'users:write',
    // Name, e-mail address and password are everybody's own.
    ownAccess: 'self:write',
    input: z.strictObject({ id: Id, ...userChanges, expectedVersion }),
    output: User,
    errors: { USER_NOT_FOUND, EMAIL_TAKEN, LAST_OWNER, ROLE_TOO_HIGH, ...placed },
  }),
  replace: mutation({
    summary: 'Replace a user',
    operationId: 'replaceUser',
    rest: 'PUT /users/{id}',
    access: 'users:write',
    input: z.strictObject({ id: Id, ...wholeUser, expectedVersion }),
    output: User,
    errors: { USER_NOT_FOUND, EMAIL_TAKEN, LAST_OWNER, ROLE_TOO_HIGH, ...placed },
  }),
  deactivate: mutation({
    summary: 'Deactivate a user and end their sessions',
    operationId: 'deactivateUser',
    rest: 'DELETE /users/{id}',
    status: 204,
    access: 'users:write',
    input: z.strictObject({ id: Id, expectedVersion }),
    output: z.null(),
    errors: { USER_NOT_FOUND, LAST_OWNER, ROLE_TOO_HIGH, LOCATION_REFUSED },
  }),
  resetSecondFactor: mutation({
    summary: 'Turn another user’s second factor off, end their sessions and tell them by mail',
    operationId: 'resetSecondFactor',
    rest: 'POST /users/{id}/reset-second-factor',
    status: 204,
    access: 'users:write',
    // Once more changes nothing more.
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ id: Id }),
    output: z.null(),
    errors: { USER_NOT_FOUND, ROLE_TOO_HIGH, LOCATION_REFUSED },
  }),
  updates: subscription({
    summary: 'Follow the changes of users and, for those who may read the audit log, who signs in',
    operationId: 'followUsers',
    rest: 'GET /users/events',
    access: 'users:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({
      userId: Id.optional(),
      signIns: z
        .boolean()
        .default(true)
        .meta({ description: 'Whether sign-ins are wanted', examples: [true] }),
      lastEventId,
    }),
    output: UserEvent,
  }),
};
