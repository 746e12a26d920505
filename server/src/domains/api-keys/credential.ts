import { permissionsOfKey } from '@olympus/contracts';
import type { SystemDb } from '@olympus/database';
import type { Principal } from '../../kernel/context.ts';
import type { Clock } from '../../platform/clock.ts';
import {
  keepAnswers,
  keptForMs,
  reachOf,
  standing,
  type CredentialSource,
  type Standing,
} from '../auth/authenticator.ts';
import { findCredential, noteUse, type CredentialRow } from './repository.ts';
import { hashOf, isSameHash, keyPrefix, prefixOf } from './secret.ts';

/** How exact the last use of a key is told. */
const usedEveryMs = 60_000;

export interface ApiKeyCredentials {
  readonly db: SystemDb;
  readonly clock: Clock;
}

/** API keys as bearer tokens. Whose key it is and what it may do is asked as it stands now, and kept for less than a second. */
export function createApiKeyCredentials({ db, clock }: ApiKeyCredentials): CredentialSource {
  const kept = keepAnswers<Standing>(keptForMs);

  const resolve = async (prefix: string, hash: string): Promise<Standing> => {
    const key = await findCredential(db, prefix);
    if (!key) return null;
    const now = clock.now();
    const until = endOf(key, hash);
    if (until === null || until <= now.getTime()) return null;
    if (key.suspended) return 'suspended';
    const before = new Date(now.getTime() - usedEveryMs);
    // Nobody waits for it, and a use that was not noted is noted by the next.
    if (!key.lastUsedAt || key.lastUsedAt <= before) noteUse(db, key, { now, before }).catch(() => undefined);
    return principalOf(key, until);
  };

  return {
    recognises: (credential) => credential.startsWith(keyPrefix),
    async principalOf(credential) {
      const prefix = prefixOf(credential);
      if (prefix === null) return null;
      const hash = hashOf(credential);
      const found = standing(await kept.through(hash, () => resolve(prefix, hash)));
      return found && found.expiresAt > clock.now().getTime() ? found : null;
    },
    forgetAll: () => kept.clear(),
  };
}

/** Until when this secret of the key is good, in milliseconds since the epoch; null for one that is not the key's. */
function endOf(key: CredentialRow, hash: string): number | null {
  const end = key.expiresAt?.getTime() ?? Infinity;
  if (isSameHash(hash, key.secretHash)) return end;
  const { previousHash, previousUntil } = key;
  return previousHash !== null && previousUntil && isSameHash(hash, previousHash)
    ? Math.min(end, previousUntil.getTime())
    : null;
}

const principalOf = (key: CredentialRow, expiresAt: number): Principal => ({
  userId: key.userId,
  tenantId: key.tenantId,
  role: key.role,
  permissions: permissionsOfKey(key.role, key.scopes),
  sessionId: null,
  apiKeyId: key.id,
  callsPerSecond: key.callsPerSecond,
  locationIds: reachOf(key.locationIds),
  actor: null,
  expiresAt,
  timeZone: key.timeZone,
  currency: key.currency,
});
