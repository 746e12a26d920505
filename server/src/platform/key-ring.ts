import type { JWK } from 'jose';

/**
 * `next` is published and does not sign yet, `current` signs, `previous` only checks what it signed, `retired` is no key
 * of ours any more.
 */
export type KeyState = 'next' | 'current' | 'previous' | 'retired';

/** A signing key as the database keeps it. */
export interface KeyRecord {
  readonly kid: string;
  readonly material: JWK;
  readonly createdAt: Date;
  readonly signsFrom: Date;
  /** The longest life that a process gave tokens of this key. */
  readonly tokenSeconds: number;
  readonly revokedAt: Date | null;
}
export interface StandingKey {
  readonly record: KeyRecord;
  readonly state: KeyState;
  /** When what it signed ends to be good; null while no other key has taken over. */
  readonly verifiesUntil: Date | null;
}

/** How far the clocks of replicas may be apart: for so long one may still sign with what the others call `previous`. */
const clocksApartMs = 5000;

/** How each key stands, newest first. Follows from the times alone, so that all replicas see it alike without a word. */
export function standingAt(records: readonly KeyRecord[], now: Date): StandingKey[] {
  const newestFirst = [...records].sort(
    (a, b) => b.signsFrom.getTime() - a.signsFrom.getTime() || (a.kid < b.kid ? -1 : 1),
  );
  let successor: KeyRecord | null = null;
  const standing = newestFirst.map((record): StandingKey => {
    const { signsFrom, revokedAt, tokenSeconds } = record;
    const taken = successor;
    // One that was revoked later had still taken over: else its revocation would bring back what it had replaced.
    if (signsFrom <= now && (!revokedAt || revokedAt > signsFrom)) successor = record;
    if (revokedAt) return { record, state: 'retired', verifiesUntil: revokedAt };
    if (signsFrom > now) return { record, state: 'next', verifiesUntil: null };
    if (!taken) return { record, state: 'current', verifiesUntil: null };
    const verifiesUntil = new Date(taken.signsFrom.getTime() + tokenSeconds * 1000 + clocksApartMs);
    return { record, state: verifiesUntil > now ? 'previous' : 'retired', verifiesUntil };
  });
  if (standing.some(({ state }) => state === 'current')) return standing;
  // By a clock that is hours late all keys are still to come; whoever has signed in would otherwise be turned away by all.
  const first = standing.findLast(({ state }) => state === 'next');
  return standing.map((key) => (key === first ? { ...key, state: 'current' } : key));
}
