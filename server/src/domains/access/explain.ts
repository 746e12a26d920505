import {
  permissionsOf,
  permissionsOfKey,
  permissionsOfUnverified,
  rolesWith,
  type AnyContract,
  type Permission,
} from '@olympus/contracts';
import type { SystemDb } from '@olympus/database';
import { decide } from '../../kernel/access.ts';
import type { Principal } from '../../kernel/context.ts';
import { reachOf } from '../auth/authenticator.ts';
import { findKeyFacts, findUserFacts, type KeyFacts, type UserFacts } from './repository.ts';

/** One thing that was looked at: `holds` is null where it decides nothing. */
export interface Fact {
  readonly label: string;
  readonly holds: boolean | null;
  readonly text: string;
}
export interface Explanation {
  readonly who: string;
  readonly allowed: boolean;
  readonly facts: readonly Fact[];
}

export interface Asked {
  readonly contract: AnyContract;
  readonly now: Date;
  /** Whether users must have verified their address, as the server is configured. */
  readonly requireVerifiedEmail: boolean;
}

/**
 * Why a user or an API key may call a procedure, or may not, by the rules that calls themselves are decided by. `name` is
 * an e-mail address, the id of a user or of a key, or a key's prefix; null for nobody's.
 */
export async function explain(db: SystemDb, name: string, asked: Asked): Promise<Explanation | null> {
  const key = await findKeyFacts(db, name, asked.now);
  const user = key ?? (await findUserFacts(db, name, asked.now));
  if (!user) return null;
  const facts = [
    tenantFact(user),
    userFact(user, key !== null),
    ...(key ? keyFacts(key, asked.now) : []),
    ...permissionFacts(user, key, asked),
    ...(key ? [] : [sessionFact(user)]),
  ];
  return {
    who: key ? `the API key ${key.prefix} ("${key.keyName}")` : user.email,
    allowed: facts.every(({ holds }) => holds !== false),
    facts,
  };
}

const tenantFact = ({ tenantName, suspendedAt, suspendedFor }: UserFacts): Fact => ({
  label: 'tenant',
  holds: suspendedAt === null,
  text: suspendedAt
    ? `"${tenantName}" is suspended since ${suspendedAt.toISOString()}: ${suspendedFor ?? ''}`
    : `"${tenantName}" is active`,
});

const userFact = ({ email, userId, role, active }: UserFacts, madeKey: boolean): Fact => ({
  label: madeKey ? 'maker' : 'user',
  holds: active,
  text: `${email} (${userId}), ${role}, is ${active ? 'active' : 'not active'}`,
});

const keyFacts = ({ revokedAt, expiresAt }: KeyFacts, now: Date): Fact[] => [
  {
    label: 'key',
    holds: !revokedAt && !(expiresAt && expiresAt <= now),
    text: revokedAt
      ? `was revoked at ${revokedAt.toISOString()}`
      : expiresAt
        ? `${expiresAt <= now ? 'has expired' : 'expires'} at ${expiresAt.toISOString()}`
        : 'is not revoked and does not expire',
  },
];

const sessionFact = ({ sessions }: UserFacts): Fact => ({
  label: 'sessions',
  holds: null,
  text: Number(sessions) === 0 ? 'none open: they have to sign in first' : `${sessions} open`,
});

/** A key answers for its maker, whose address was looked at when it was made. */
const isHeldBack = ({ emailVerifiedAt }: UserFacts, key: KeyFacts | null, { requireVerifiedEmail }: Asked): boolean =>
  requireVerifiedEmail && key === null && emailVerifiedAt === null;

function permissionFacts(user: UserFacts, key: KeyFacts | null, asked: Asked): Fact[] {
  const { contract } = asked;
  const { access, ownAccess, everyLocation } = contract.def;
  if (access === 'public') return [{ label: 'permission', holds: true, text: 'none is needed: it is public' }];
  const principal = principalOf(user, key);
  const held = principal.permissions.has(access);
  const heldBack = isHeldBack(user, key, asked);
  const own = !held && decide(contract, { ...principal, locationIds: null }, { id: user.userId }).allowed;
  const facts: Fact[] = [{ label: 'permission', holds: held || own, text: sourceOf(user, key, { access, held }) }];
  if (heldBack) {
    const still = permissionsOfUnverified.has(own && ownAccess ? ownAccess : access);
    const text = `${user.email} is not verified${still ? ', which this does not need' : ': until then they reach only their own account'}`;
    facts.push({ label: 'address', holds: still, text });
  }
  if (own) facts.push({ label: 'own', holds: null, text: `allowed by ${ownAccess} for their own id, for no other` });
  const { locationIds } = principal;
  if (locationIds)
    facts.push({
      label: 'locations',
      holds: everyLocation ? false : null,
      text: everyLocation
        ? `kept to ${[...locationIds].join(', ')}, and this is about all locations`
        : `kept to ${[...locationIds].join(', ')}: of orders only theirs are seen and changed`,
    });
  else facts.push({ label: 'locations', holds: null, text: 'all' });
  return facts;
}

function sourceOf(
  { role }: UserFacts,
  key: KeyFacts | null,
  { access, held }: { access: Permission; held: boolean },
): string {
  const from = rolesWith(access).join(', ');
  if (!key)
    return held ? `${access} comes with ${role} (held by ${from})` : `${access} is held by ${from}, not by ${role}`;
  if (held) return `${access} is among the key's scopes, and its maker holds it as ${role}`;
  return key.scopes.includes(access)
    ? `${access} is among the key's scopes, but its maker, as ${role}, no longer holds it`
    : `${access} is not among the key's scopes: ${key.scopes.join(', ')}`;
}

function principalOf(user: UserFacts, key: KeyFacts | null): Principal {
  const { userId, tenantId, role, locationIds } = user;
  return {
    userId,
    tenantId,
    role,
    permissions: key ? permissionsOfKey(role, key.scopes) : permissionsOf[role],
    locationIds: reachOf(locationIds),
    sessionId: null,
    apiKeyId: key?.keyId ?? null,
    callsPerSecond: null,
    actor: null,
    expiresAt: Infinity,
    timeZone: 'UTC',
    currency: 'USD',
  };
}
