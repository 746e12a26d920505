import type { SystemDb } from '@olympus/database';
import { isIPv4, isIPv6 } from 'node:net';
import { Failure } from '../../kernel/failure.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Secrets } from '../../platform/secrets.ts';
import { addressesOf, delayNext, forget, giveBack, takeTurn, type AttemptRule } from './attempts-repository.ts';

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
  /** Failures in an hour of one network, whichever accounts it tries, and of one account from wherever, before they have to wait. */
  readonly perAddress: number;
}

/** For which a network is known for an account after a session of it was used there last. */
const knownForMs = 90 * 86_400_000;

const wrong: readonly string[] = ['INVALID_CREDENTIALS', 'INVALID_SECOND_FACTOR', 'WRONG_PASSWORD'];

/**
 * After five failures an account waits 1, 2, 4 … seconds, up to 15 minutes, for those who try from the same network: an
 * attacker elsewhere locks nobody out. An attacker of many networks makes the account wait for all but those where its
 * user has signed in before. Counted in the database, so that replicas count together and a restart forgives
 * nothing; by the hash of what was tried, known or not. Attempts count before they are judged, so that a thousand at once
 * are not a thousand guesses.
 */
export function createAttempts({ db, secrets, clock, perAddress }: AttemptsOptions): Attempts {
  const account: AttemptRule = { free: 5, atOnce: 10, forgottenMs: 86_400_000, slides: true };
  // A window that does not move: a busy office gathers a few failures all day.
  const network: AttemptRule = { free: perAddress, atOnce: perAddress, forgottenMs: 3_600_000, slides: false };
  const anywhere: AttemptRule = network;
  const keyOf = (...parts: string[]) => secrets.mac('sign-in failures', parts.join('\0'));

  /** False without a turn, where `goesOn` says that none is needed. */
  const take = async (key: string, rule: AttemptRule, goesOn = async () => false): Promise<boolean> => {
    const now = clock.now();
    const until = await takeTurn(db, { key, rule, now });
    if (until === null) return true;
    if (await goesOn()) return false;
    throw new Failure('RATE_LIMITED', { retryAfter: Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000)) });
  };

  /** Where the user has signed in of late, which no stranger can make true. Asked only while the account waits. */
  const isKnownAt = async (email: string, from: string): Promise<boolean> => {
    const addresses = await addressesOf(db, email, new Date(clock.now().getTime() - knownForMs));
    return addresses.some((address) => networkOf(address) === from);
  };

  return {
    async guard({ email, address }, work) {
      const from = networkOf(address);
      const key = keyOf('account', email, from);
      const taken: string[] = [];
      const turn = async (...[name, ...rest]: Parameters<typeof take>) => {
        if (await take(name, ...rest)) taken.push(name);
      };
      try {
        await turn(keyOf('network', from), network);
        await turn(keyOf('anywhere', email), anywhere, () => isKnownAt(email, from));
        await turn(key, account);
        const result = await work();
        await Promise.all([
          forget(db, key),
          giveBack(
            db,
            taken.filter((one) => one !== key),
          ),
        ]);
        return result;
      } catch (error) {
        if (error instanceof Failure && wrong.includes(error.code))
          await delayNext(db, { key, rule: account, now: clock.now() });
        else await giveBack(db, taken);
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
