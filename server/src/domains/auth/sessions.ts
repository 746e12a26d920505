import type { Session, User } from '@olympus/contracts';
import type { SystemDb } from '@olympus/database';
import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import { fail } from '../../kernel/failure.ts';
import type { Secrets } from '../../platform/secrets.ts';
import type { ReadSession } from './authenticator.ts';
import type { Origin } from './devices.ts';
import { holdByToken, type Account } from './repository.ts';
import {
  endSession,
  findSpent,
  insertSession,
  insertToken,
  readSession,
  renewSession,
  spendToken,
  touchSession,
} from './session-repository.ts';
import type { AccessTokens } from './tokens.ts';

/** A session that is in the database and whose access token is not signed yet. */
export interface Opened {
  readonly account: Account;
  readonly sessionId: string;
  readonly refreshToken: string;
  /** What the refresh token is known by, and when it was made: the access token beside it says the same. */
  readonly pair: { readonly id: string; readonly createdAt: Date };
}

export interface Sessions {
  /** Writes a new session with its first refresh token. `TENANT_SUSPENDED` where that is so, as for the next. */
  open(db: SystemDb, account: Account, origin: Origin): Promise<Opened>;
  /** Exchanges a refresh token for the next. Tells the session that a replay has ended, or nothing for a token that is not good. */
  rotate(db: SystemDb, refreshToken: string, origin: Origin): Promise<Opened | { ended: string } | null>;
  /** What the client gets. Signs, so it belongs after the commit. */
  grant(opened: Opened): Promise<Session>;
}

export interface SessionOptions {
  readonly tokens: AccessTokens;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly refreshTokenDays: number;
}

/** For which a client that lost the answer, or whose two tabs refresh at once, gets the same pair again; the ADR on refresh tokens tells why. */
const graceMs = 10_000;
const prefix = 'olr_';

/** Refresh tokens are random, so a plain hash is enough to keep the database from giving any away. */
export const hashOf = (refreshToken: string): string => createHash('sha256').update(refreshToken).digest('base64url');

export function createSessions({ tokens, secrets, clock, ids, refreshTokenDays }: SessionOptions): Sessions {
  const expiryAfter = (now: Date) => new Date(now.getTime() + refreshTokenDays * 86_400_000);
  /** The one that a token is exchanged for: worked out from it, so that whoever still has the old one can be given it again. */
  const successorOf = (refreshToken: string) => prefix + secrets.mac('refresh tokens', refreshToken);

  const write = async (db: SystemDb, account: Account, { sessionId, refreshToken, now }: NewPair): Promise<Opened> => {
    const pair = { id: ids.next(), createdAt: now };
    const token = { ...pair, familyId: sessionId, hash: hashOf(refreshToken), expiresAt: expiryAfter(now) };
    await insertToken(db, account, token);
    return { account, sessionId, refreshToken, pair };
  };

  return {
    async open(db, account, origin) {
      if (account.suspended) fail('TENANT_SUSPENDED');
      const now = clock.now();
      const sessionId = ids.next();
      await insertSession(db, account, { id: sessionId, ...origin, createdAt: now, expiresAt: expiryAfter(now) });
      return write(db, account, { sessionId, refreshToken: prefix + ids.secret(32), now });
    },
    async rotate(db, refreshToken, { address }) {
      if (!refreshToken.startsWith(prefix)) return null;
      const hash = hashOf(refreshToken);
      const now = clock.now();
      const account = await holdByToken(db, hash);
      if (!account) return null;
      if (account.suspended) fail('TENANT_SUSPENDED');
      const successor = successorOf(refreshToken);
      const sessionId = await spendToken(db, hash, now);
      if (sessionId) {
        const renewed = await renewSession(db, account, { id: sessionId, address, now, expiresAt: expiryAfter(now) });
        return renewed ? write(db, account, { sessionId, refreshToken: successor, now }) : null;
      }

      const spent = await findSpent(db, hash, hashOf(successor));
      if (!spent) return null;
      const { familyId, pair } = spent;
      if (pair && now.getTime() - spent.spentAt.getTime() <= graceMs)
        return { account, sessionId: familyId, refreshToken: successor, pair };
      await endSession(db, account, { id: familyId, now });
      return { ended: familyId };
    },
    async grant({ account, sessionId, refreshToken, pair }) {
      const { tenantId, role, timeZone, currency } = account;
      const grant = { userId: account.id, tenantId, role, sessionId, timeZone, currency };
      const accessToken = await tokens.issue({ ...grant, id: pair.id, issuedAt: pair.createdAt });
      const age = Math.floor((clock.now().getTime() - pair.createdAt.getTime()) / 1000);
      return { accessToken, refreshToken, expiresIn: tokens.lifetimeSeconds - age, user: userOf(account) };
    },
  };
}

interface NewPair {
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly now: Date;
}

const usedEveryMs = 60_000;

/** Reads how a session stands, and notes at most once a minute that it is in use. */
export const createSessionReader =
  (db: SystemDb, clock: Clock): ReadSession =>
  async (claims) => {
    const now = clock.now();
    const found = await readSession(db, claims, now);
    if (!found) return null;
    const { lastUsedAt, ...state } = found;
    // Nobody waits for it, and what is lost is told by the next call.
    if (now.getTime() - lastUsedAt.getTime() >= usedEveryMs)
      touchSession(db, claims, { now, notSince: new Date(now.getTime() - usedEveryMs) }).catch(() => {});
    return state;
  };

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
