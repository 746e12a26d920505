import { atLeast, contracts, type ErrorCode, type ErrorsOf, type KeyScope } from '@olympus/contracts';
import type { Context } from '../../kernel/context.ts';
import type { Fail } from '../../kernel/failure.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import { invalidInput } from '../../kernel/steps/validate.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { findKey, holdKey, insertKey, keyList, replaceSecret, revokeKey, updateKey } from './repository.ts';
import { newSecret } from './secret.ts';

export interface ApiKeysDependencies {
  readonly cursors: Cursors;
}

export const apiKeys = ({ cursors }: ApiKeysDependencies): Handlers<typeof contracts.apiKeys> =>
  implement(contracts.apiKeys, {
    list: ({ input, ctx: { db } }) => page(db, cursors, { input, list: keyList(db, input) }),
    get: async ({ input: { id }, ctx, fail }) => (await findKey(ctx.db, id)) ?? fail('API_KEY_NOT_FOUND', { id }),

    async create({ input: { name, scopes, callsPerSecond, expiresAt }, ctx, fail }) {
      const { db, clock, ids, principal } = ctx;
      const now = clock.now();
      checkScopes(ctx, scopes, fail);
      if (expiresAt && expiresAt <= now)
        throw invalidInput([
          { field: 'expiresAt', message: 'must lie in the future', code: 'too_small', nearest: null },
        ]);
      const { prefix, secret, hash } = newSecret(ids);
      const key = { id: ids.next(), name, prefix, hash, scopes: [...new Set(scopes)], createdBy: principal.userId };
      const limits = { callsPerSecond: callsPerSecond ?? null, expiresAt: expiresAt ?? null };
      return { apiKey: await insertKey(db, { ...key, ...limits }, now), secret };
    },

    async update({ input: { id, expectedVersion, scopes, ...rest }, ctx, fail }) {
      const key = await hold(ctx, id, fail);
      if (expectedVersion !== undefined && expectedVersion !== key.version)
        fail('VERSION_CONFLICT', { currentVersion: key.version });
      if (scopes) checkScopes(ctx, scopes, fail);
      if (!scopes && Object.values(rest).every((value) => value === undefined)) return key;
      const changes = { ...rest, scopes: scopes && [...new Set(scopes)], now: ctx.clock.now() };
      return (await updateKey(ctx.db, id, changes)) ?? fail('API_KEY_NOT_FOUND', { id });
    },

    async rotate({ input: { id, overlapSeconds }, ctx, fail }) {
      const { prefix } = await hold(ctx, id, fail);
      const { secret, hash } = newSecret(ctx.ids, prefix);
      const now = ctx.clock.now();
      const until = overlapSeconds === 0 ? null : new Date(now.getTime() + overlapSeconds * 1000);
      const apiKey = await replaceSecret(ctx.db, id, { hash, until, now });
      return { apiKey: apiKey ?? fail('API_KEY_NOT_FOUND', { id }), secret };
    },

    async revoke({ input: { id }, ctx, fail }) {
      return (await revokeKey(ctx.db, id, ctx.clock.now())) ? null : fail('API_KEY_NOT_FOUND', { id });
    },
  });

/** Nobody gives a key what they do not hold themself. */
function checkScopes({ principal }: Context, scopes: readonly KeyScope[], fail: Fail<'SCOPE_TOO_WIDE'>): void {
  const wider = scopes.filter((scope) => !principal.permissions.has(scope));
  if (wider.length > 0) fail('SCOPE_TOO_WIDE', { scopes: wider });
}

type Changing = Fail<(keyof ErrorsOf<typeof contracts.apiKeys.rotate.def> & ErrorCode) | 'VERSION_CONFLICT'>;

/** A key that goes on. It acts as its maker, so its secret must not come to somebody below them or who sees less. */
async function hold(ctx: Context, id: string, fail: Changing) {
  const { role, locationIds } = ctx.principal;
  const { apiKey, makerRole, makerLocations } = (await holdKey(ctx.db, id)) ?? fail('API_KEY_NOT_FOUND', { id });
  if (!atLeast(role, makerRole)) fail('ROLE_TOO_HIGH', { role: makerRole });
  if (locationIds && (makerLocations.length === 0 || makerLocations.some((one) => !locationIds.has(one))))
    fail('LOCATION_REFUSED', {
      locationId: makerLocations.find((one) => !locationIds.has(one)) ?? null,
      allowed: [...locationIds],
    });
  const { revokedAt, expiresAt } = apiKey;
  if (revokedAt || (expiresAt && expiresAt <= ctx.clock.now())) fail('API_KEY_ENDED', { id });
  return apiKey;
}
