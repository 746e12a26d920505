import type { SystemDb } from '@olympus/database';
import { isIPv4, isIPv6 } from 'node:net';
import { Failure } from '../../kernel/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Secrets } from '../../platform/secrets.ts';
import { delayNext, forget, giveBack, takeTurn, type AttemptRule } from './attempts-repository.ts';

/** Who is tried, and from where. */
export interface Tried {
  readonly email: string;
  readonly address: string;
}

export interface Attempts {
  /**
   * Runs what checks a password or a code. Fails with `RATE_LIMITED` and without running it while too many have failed.
   * A success clears the account's failures from that network; what is neither right nor wrong does not count.
   */
  guard<T>(tried: Tried, work: () => Promise<T>): Promise<T>;
}

export interface AttemptsOptions {
  readonly db: SystemDb;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** Failures of one network in an hour, whichever accounts it tries, before it has to wait. */
  readonly perAddress: number;
}

const wrong: readonly string[] = ['INVALID_CREDENTIALS', 'INVALID_SECOND_FACTOR', 'WRONG_PASSWORD'];

/**
 * After five failures an account waits 1, 2, 4 … seconds, up to 15 minutes, for those who try from the same network: an
 * attacker elsewhere locks nobody out. Counted in the database, so that replicas count together and a restart forgives
 * nothing; by the hash of what was tried, known or not. Attempts count before they are judged, so that a thousand at once
 * are not a thousand guesses.
 */
export function createAttempts({ db, secrets, clock, perAddress }: AttemptsOptions): Attempts {
  const account: AttemptRule = { free: 5, atOnce: 10, forgottenMs: 86_400_000, slides: true };
  // A window that does not move: a busy office gathers a few failures all day.
  const network: AttemptRule = { free: perAddress, atOnce: perAddress, forgottenMs: 3_600_000, slides: false };
  const keyOf = (...parts: string[]) => secrets.mac('sign-in failures', parts.join('\0'));

  const take = async (key: string, rule: AttemptRule) => {
    const now = clock.now();
    const until = await takeTurn(db, { key, rule, now });
    if (until === null) return;
    throw new Failure('RATE_LIMITED', { retryAfter: Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000)) });
  };

  return {
    async guard({ email, address }, work) {
      const from = networkOf(address);
      const keys = { account: keyOf('account', email, from), network: keyOf('network', from) };
      await take(keys.network, network);
      try {
        await take(keys.account, account);
      } catch (error) {
        await giveBack(db, [keys.network]);
        throw error;
      }
      try {
        const result = await work();
        await Promise.all([forget(db, keys.account), giveBack(db, [keys.network])]);
        return result;
      } catch (error) {
        if (error instanceof Failure && wrong.includes(error.code))
          await delayNext(db, { key: keys.account, rule: account, now: clock.now() });
        else await giveBack(db, [keys.account, keys.network]);
        throw error;
      }
    },
  };
}

/** What one customer of a provider is given: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped && isIPv4(mapped)) return mapped;
  const bare = address.split('%', 1)[0] ?? '';
  if (!isIPv6(bare)) return address;
  // The URL parser writes it in one way, with one `::` at most.
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
