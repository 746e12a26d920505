import { contracts } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { Context } from '../../kernel/context.ts';
import { implement, type Handlers } from '../../kernel/implement.ts';
import type { Auth } from '../auth/index.ts';
import type { Cursors } from '../cursors.ts';
import { publish } from '../notifications/announcement.ts';
import { page } from '../paging.ts';
import { acrossTenants, findTenant, resumeTenant, suspendTenant, tenantList } from './repository.ts';

export interface TenantsDependencies {
  readonly database: Database;
  readonly cursors: Cursors;
  readonly auth: Pick<Auth, 'foundTenant' | 'tokens'>;
}

/** Crosses tenants by nature, so it runs under the system role. */
export const tenants = ({ database, cursors, auth }: TenantsDependencies): Handlers<typeof contracts.tenants> => {
  const { systemDb } = database;
  return implement(contracts.tenants, {
    list: ({ input, ctx }) =>
      page(acrossTenants(systemDb, ctx.principal.tenantId), cursors, { input, list: tenantList(input) }),
    get: async ({ input: { id }, ctx, fail }) => {
      const tenant = (await findTenant(systemDb, id)) ?? fail('TENANT_NOT_FOUND', { id });
      record(ctx, id);
      return tenant;
    },
    create: async ({ input, ctx, fail }) => {
      const id = await auth.foundTenant(input);
      record(ctx, id);
      return (await findTenant(systemDb, id)) ?? fail('INTERNAL');
    },
    suspend: async ({ input: { id, reason }, ctx, fail }) => {
      const changed = await suspendTenant(systemDb, id, { reason, now: ctx.clock.now() });
      if (changed) record(ctx, id);
      return changed ?? fail('TENANT_NOT_FOUND', { id });
    },
    resume: async ({ input: { id }, ctx, fail }) => {
      const changed = await resumeTenant(systemDb, id);
      if (changed) record(ctx, id);
      return changed ?? fail('TENANT_NOT_FOUND', { id });
    },
    async announce({ input: { id: tenantId, ...announcement }, ctx, fail }) {
      const { id } = (await findTenant(systemDb, tenantId)) ?? fail('TENANT_NOT_FOUND', { id: tenantId });
      record(ctx, id);
      const { clock, requestId, ids } = ctx;
      return database.systemTransaction((db) =>
        publish(
          { db: { ...db, tenantId: id }, clock, requestId, stale: new Set() },
          { id: ids.next(), ...announcement },
        ),
      );
    },

    async actAs({ input: { tenantId, role, reason, minutes }, ctx, fail }) {
      const { userId, sessionId, tenantId: platformId } = ctx.principal;
      const tenant = (await findTenant(systemDb, tenantId)) ?? fail('TENANT_NOT_FOUND', { id: tenantId });
      if (tenant.suspendedAt) fail('TENANT_SUSPENDED');
      // The token ends with the session that asked for it.
      if (sessionId === null) return fail('FORBIDDEN', { permission: null });
      const { id, timeZone, currency } = tenant;
      record(ctx, id);
      const lifetimeSeconds = minutes * 60;
      const actor = { tenantId: platformId, reason };
      const grant = { userId, tenantId: id, role, sessionId, timeZone, currency, actor, lifetimeSeconds };
      return { accessToken: await auth.tokens.issue(grant), expiresIn: lifetimeSeconds, tenantId: id, role };
    },
  });
};

/** What the platform does to a tenant, or reads of it, stands in that tenant's own audit log. */
const record = (ctx: Context, tenantId: string): void =>
  ctx.record({ subject: { tenantId, userId: ctx.principal.userId } });
