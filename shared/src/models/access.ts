import { z } from 'zod';
import { keyScopes } from '../permissions.ts';
import { Id, stamps, text } from './common.ts';
import { TenantRoleName } from './people.ts';

const scopes = z.array(z.enum(keyScopes).meta({ id: 'ApiKeyScope' })).max(keyScopes.length);
const rate = z
  .int()
  .min(1)
  .max(10_000)
  .meta({ description: 'Calls a second of this key, beside the limits of each class', examples: [50] });
const expiry = z.date().meta({ description: 'From when on the key is refused' });

export const ApiKey = z
  .object({
    id: Id,
    name: z.string(),
    prefix: z.string().meta({ description: 'The visible part of the key', examples: ['olk_4fWq0ZxT9b2K'] }),
    scopes,
    callsPerSecond: rate.nullable(),
    /** Whom it acts for: it ends with them. */
    createdBy: Id,
    expiresAt: expiry.nullable(),
    lastUsedAt: z.date().nullable().meta({ description: 'Exact to a minute' }),
    rotatedUntil: z.date().nullable().meta({ description: 'Until when the secret before the last rotation goes on' }),
    revokedAt: z.date().nullable(),
    ...stamps,
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.output<typeof ApiKey>;

export const IssuedApiKey = z
  .object({
    apiKey: ApiKey,
    secret: z.string().meta({ description: 'The whole key. It is shown this once, and kept only as a hash' }),
  })
  .meta({ id: 'IssuedApiKey' });
export type IssuedApiKey = z.output<typeof IssuedApiKey>;

export const newApiKey = {
  name: text(100),
  scopes: scopes.min(1),
  callsPerSecond: rate.optional(),
  expiresAt: expiry.optional().meta({ description: 'From when on the key is refused; absent: never' }),
};
export const apiKeyChanges = {
  name: text(100).optional(),
  scopes: scopes.min(1).optional(),
  callsPerSecond: rate.nullable().optional(),
};
export const overlapSeconds = z
  .int()
  .min(0)
  .max(30 * 86_400)
  .default(86_400)
  .meta({ description: 'For which the secret so far goes on; 0 ends it at once', examples: [86_400] });

/** A tenant as the platform sees it. */
export const TenantRecord = z
  .object({
    id: Id,
    name: z.string(),
    timeZone: z.string(),
    currency: z.string(),
    suspendedAt: z.date().nullable(),
    suspendedFor: z.string().nullable().meta({ description: 'Why it is suspended' }),
    users: z.int().meta({ description: 'Active ones' }),
    createdAt: z.date(),
  })
  .meta({ id: 'TenantRecord' });
export type TenantRecord = z.output<typeof TenantRecord>;

export const reason = text(500).meta({ description: 'Kept with the act', examples: ['Ticket 4711: wrong stock'] });

export const acting = {
  role: TenantRoleName.meta({ description: 'What may be done meanwhile' }),
  reason,
  minutes: z
    .int()
    .min(1)
    .max(60)
    .default(15)
    .meta({ description: 'Until the token ends', examples: [15] }),
};
export const ActingSession = z
  .object({
    accessToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds; there is no refresh token' }),
    tenantId: Id,
    role: TenantRoleName,
  })
  .meta({ id: 'ActingSession' });
