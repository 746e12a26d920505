import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { ApiKey, apiKeyChanges, IssuedApiKey, newApiKey, overlapSeconds } from '../models/access.ts';
import { expectedVersion, Id, pageInput, pageOf, sortOf } from '../models/common.ts';

const { API_KEY_ENDED, API_KEY_NOT_FOUND, LOCATION_REFUSED, ROLE_TOO_HIGH, SCOPE_TOO_WIDE } = errors;
/** A key acts as its maker: whoever stands below them, or sees less, may revoke it and no more. */
const changing = { API_KEY_NOT_FOUND, API_KEY_ENDED, ROLE_TOO_HIGH, LOCATION_REFUSED };

export const apiKeys = {
  list: query({
    summary: 'List API keys, without their secrets',
    operationId: 'listApiKeys',
    rest: 'GET /api-keys',
    access: 'apiKeys:manage',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['createdAt', 'name'], '-createdAt'),
      revoked: z
        .boolean()
        .optional()
        .meta({ examples: [false] }),
    }),
    output: pageOf(ApiKey, 'ApiKeyPage'),
  }),
  get: query({
    summary: 'Get an API key, without its secret',
    operationId: 'getApiKey',
    rest: 'GET /api-keys/{id}',
    access: 'apiKeys:manage',
    input: z.strictObject({ id: Id }),
    output: ApiKey,
    errors: { API_KEY_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Make an API key; the answer is the only one that holds its secret',
    operationId: 'createApiKey',
    rest: 'POST /api-keys',
    status: 201,
    access: 'apiKeys:manage',
    // A kept answer would keep the secret.
    idempotent: false,
    input: z.strictObject(newApiKey),
    output: IssuedApiKey,
    errors: { SCOPE_TOO_WIDE },
  }),
  update: mutation({
    summary: 'Change the name, scopes or limit of an API key',
    operationId: 'updateApiKey',
    rest: 'PATCH /api-keys/{id}',
    access: 'apiKeys:manage',
    input: z.strictObject({ id: Id, ...apiKeyChanges, expectedVersion }),
    output: ApiKey,
    errors: { ...changing, SCOPE_TOO_WIDE },
  }),
  rotate: mutation({
    summary: 'Give an API key a new secret; the one so far goes on for a while',
    operationId: 'rotateApiKey',
    rest: 'POST /api-keys/{id}/rotate',
    access: 'apiKeys:manage',
    idempotent: false,
    input: z.strictObject({ id: Id, overlapSeconds }),
    output: IssuedApiKey,
    errors: changing,
  }),
  revoke: mutation({
    summary: 'End an API key at once and for good',
    operationId: 'revokeApiKey',
    rest: 'DELETE /api-keys/{id}',
    status: 204,
    access: 'apiKeys:manage',
    input: z.strictObject({ id: Id }),
    output: z.null(),
    errors: { API_KEY_NOT_FOUND },
  }),
};
