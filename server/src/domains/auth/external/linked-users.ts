import { atLeast, permissionsOf, superAdmin } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../../../kernel/context.ts';
import { fail } from '../../../kernel/failure.ts';
import type { Clock } from '../../../platform/clock.ts';
import { keptForMs, reachOf } from '../authenticator.ts';
import type { Assertion } from './claims.ts';
import { findLinked, linkByEmail, type LinkedUser } from './repository.ts';

/** Turns what issuers assert into users of ours. */
export interface LinkedUsers {
  /** null for somebody who is no active user here, `TENANT_SUSPENDED` where their tenant is. `link` allows to link one by a verified address. */
  principalOf(assertion: Assertion, expiresAt: number, link: boolean): Promise<Principal | null>;
  /** Asks again for everybody: something has changed that the answers rest on. */
  forgetAll(): void;
}

export function createLinkedUsers(database: Database, clock: Clock): LinkedUsers {
  const kept = new LRUCache<string, Promise<LinkedUser | null>>({ max: 20_000, ttl: keptForMs, ttlResolution: 50 });

  const find = async (assertion: Assertion, link: boolean): Promise<LinkedUser | null> => {
    const found = await findLinked(database.systemDb, assertion);
    const { email, tenantId } = assertion;
    if (found || !link || email === null) return found;
    return database.systemTransaction(async (db) => {
      await linkByEmail(db, assertion, { email, tenantId, now: clock.now() });
      return findLinked(db, assertion);
    });
  };

  return {
    async principalOf(assertion, expiresAt, link) {
      const key = JSON.stringify([assertion.issuer, assertion.subject, assertion.email, assertion.tenantId]);
      let asked = kept.get(key);
      if (!asked) {
        const asking = find(assertion, link);
        asking.catch(() => kept.peek(key) === asking && kept.delete(key));
        kept.set(key, asking);
        asked = asking;
      }
      const user = await asked;
      if (!user?.active || (assertion.tenantId !== null && assertion.tenantId !== user.tenantId)) return null;
      // An issuer's roles are those of tenants, and cannot lower the platform's.
      if (assertion.role !== null && user.role === superAdmin) return null;
      if (user.suspended) fail('TENANT_SUSPENDED');
      const { userId, tenantId, timeZone, currency } = user;
      const role = assertion.role !== null && atLeast(user.role, assertion.role) ? assertion.role : user.role;
      return {
        userId,
        tenantId,
        role,
        permissions: permissionsOf[role],
        sessionId: null,
        apiKeyId: null,
        callsPerSecond: null,
        locationIds: reachOf(user.locationIds),
        actor: null,
        expiresAt,
        timeZone,
        currency,
      };
    },
    forgetAll: () => kept.clear(),
  };
}
