import type { Session, User } from '@olympus/contracts';
import type { SystemDb } from '@olympus/database';
import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { fail } from '../../kernel/failure.ts';
import { findSpent, holdByToken, insertToken, revokeFamily, spendToken, type Account } from './repository.ts';
import type { AccessTokens } from './tokens.ts';

/** A session that is in the database and whose access token is not signed yet. */
export interface Opened {
  readonly account: Account;
  readonly sessionId: string;
  readonly refreshToken: string;
}

export interface Sessions {
  /** Writes a refresh token: the first of a new session, or the next one of `sessionId`. `TENANT_SUSPENDED` where that is so. */
  open(db: SystemDb, account: Account, sessionId?: string): Promise<Opened>;
  /** Exchanges a refresh token for the next. Tells the session that a replay has ended, or nothing for a token that is not good. */
  rotate(db: SystemDb, refreshToken: string): Promise<Opened | { ended: string } | null>;
  /** What the client gets. Signs, so it belongs after the commit. */
  grant(opened: Opened): Promise<Session>;
}

export interface SessionOptions {
  readonly tokens: AccessTokens;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly refreshTokenDays: number;
}

/** A client whose two tabs refresh at once must not lose its session; RFC 9700 §4.14.2 asks to end it on replay. */
const graceMs = 10_000;
const prefix = 'olr_';

/** Refresh tokens are random, so a plain hash is enough to keep the database from giving any away. */
export const hashOf = (refreshToken: string): string => createHash('sha256').update(refreshToken).digest('base64url');

export function createSessions({ tokens, clock, ids, refreshTokenDays }: SessionOptions): Sessions {
  const open: Sessions['open'] = async (db, account, sessionId = ids.next()) => {
    if (account.suspended) fail('TENANT_SUSPENDED');
    const refreshToken = prefix + ids.secret(32);
    const createdAt = clock.now();
    const expiresAt = new Date(createdAt.getTime() + refreshTokenDays * 86_400_000);
    const hash = hashOf(refreshToken);
    await insertToken(db, account, { id: ids.next(), familyId: sessionId, hash, createdAt, expiresAt });
    return { account, sessionId, refreshToken };
  };

  return {
    open,
    async rotate(db, refreshToken) {
      if (!refreshToken.startsWith(prefix)) return null;
      const hash = hashOf(refreshToken);
      const now = clock.now();
      const account = await holdByToken(db, hash);
      if (!account) return null;
      const sessionId = await spendToken(db, hash, now);
      if (sessionId) return open(db, account, sessionId);

      const spent = await findSpent(db, hash);
      const raced = spent && !spent.superseded && now.getTime() - spent.spentAt.getTime() <= graceMs;
      if (!spent || raced) return null;
      await revokeFamily(db, spent, now);
      return { ended: spent.familyId };
    },
    async grant({ account, sessionId, refreshToken }) {
      const { tenantId, role, timeZone, currency } = account;
      const accessToken = await tokens.issue({ userId: account.id, tenantId, role, sessionId, timeZone, currency });
      return { accessToken, refreshToken, expiresIn: tokens.lifetimeSeconds, user: userOf(account) };
    },
  };
}

export const userOf = ({
  id,
  email,
  name,
  role,
  active,
  locationIds,
  createdAt,
  updatedAt,
  version,
}: Account): User => ({
  id,
  email,
  name,
  role,
  active,
  locationIds,
  createdAt,
  updatedAt,
  version,
});
