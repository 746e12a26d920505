import type { Database } from '@olympus/database';
import { createAdmits, type Admits } from '../../platform/address-list.ts';
import { rulesOf, versionsOfRules } from './repository.ts';

/** The lists of every tenant that has any, as this process knows them. */
export interface TenantAddresses {
  admits(tenantId: string, address: string): boolean;
  /** Learns what has changed. Few tenants have lists, so their versions are one small question. */
  refresh(): Promise<void>;
}

export function createTenantAddresses(database: Pick<Database, 'systemDb'>): TenantAddresses {
  const known = new Map<string, { readonly version: number; readonly admits: Admits }>();
  return {
    admits: (tenantId, address) => known.get(tenantId)?.admits(address) ?? true,
    async refresh() {
      const versions = await versionsOfRules(database.systemDb);
      const changed = versions.filter(({ tenantId, version }) => known.get(tenantId)?.version !== version);
      if (changed.length === 0) return;
      const lists = await rulesOf(
        database.systemDb,
        changed.map(({ tenantId }) => tenantId),
      );
      for (const { tenantId, version, allow, block } of lists)
        known.set(tenantId, { version, admits: createAdmits({ allow, block }) });
    },
  };
}
