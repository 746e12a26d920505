import { contracts } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Auth } from '../auth/index.ts';
import type { Cursors } from '../cursors.ts';
import { page } from '../paging.ts';
import { acrossTenants, findTenant, resumeTenant, suspendTenant, tenantList } from './repository.ts';

export interface TenantsDependencies {
  readonly database: Database;
  readonly cursors: Cursors;
  readonly auth: Pick<Auth, 'foundTenant' | 'tokens'>;
}

/** Crosses tenants by nature, so it runs under the system role. */
export const tenants = ({
  database: { systemDb },
  cursors,
  auth,
}: TenantsDependencies): Handlers<typeof contracts.tenants> =>
  implement(contracts.tenants, {
    list: ({ input, ctx }) =>
      page(acrossTenants(systemDb, ctx.principal.tenantId), cursors, { input, list: tenantList(input) }),
    get: async ({ input: { id }, fail }) => (await findTenant(systemDb, id)) ?? fail('TENANT_NOT_FOUND', { id }),
    create: async ({ input, fail }) => {
      const id = await auth.foundTenant(input);
      return (await findTenant(systemDb, id)) ?? fail('INTERNAL');
    },
    suspend: async ({ input: { id, reason }, ctx, fail }) =>
      (await suspendTenant(systemDb, id, { reason, now: ctx.clock.now() })) ?? fail('TENANT_NOT_FOUND', { id }),
    resume: async ({ input: { id }, fail }) => (await resumeTenant(systemDb, id)) ?? fail('TENANT_NOT_FOUND', { id }),

    async actAs({ input: { tenantId, role, reason, minutes }, ctx, fail }) {
      const { userId, sessionId, tenantId: platformId } = ctx.principal;
      const tenant = (await findTenant(systemDb, tenantId)) ?? fail('TENANT_NOT_FOUND', { id: tenantId });
      if (tenant.suspendedAt) fail('TENANT_SUSPENDED');
      // The token ends with the session that asked for it.
      if (sessionId === null) return fail('FORBIDDEN', { permission: null });
      const { id, timeZone, currency } = tenant;
      const lifetimeSeconds = minutes * 60;
      const actor = { tenantId: platformId, reason };
      const grant = { userId, tenantId: id, role, sessionId, timeZone, currency, actor, lifetimeSeconds };
      return { accessToken: await auth.tokens.issue(grant), expiresIn: lifetimeSeconds, tenantId: id, role };
    },
  });
