import { hash, verify } from '@node-rs/argon2';
import { availableParallelism } from 'node:os';
import { Failure } from '../../kernel/failure.ts';

export interface Passwords {
  /** The argon2id hash in PHC form. `UNAVAILABLE` when too many wait already. */
  hash(password: string): Promise<string>;
  /** Takes as long for an unknown user (a null hash), whom no password fits. */
  verify(hash: string | null, password: string): Promise<boolean>;
}

/** Memory of one hash, in KiB: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. */
export const leastPasswordKib = 19_456;

interface PasswordOptions {
  /** Memory of one hash; what is stored keeps what it was made with. */
  readonly kib?: number;
  readonly atOnce?: number;
  readonly waiting?: number;
}

/** Hashing takes 20 to 50 ms of a processor and 19 MiB, so few run at once and few more may wait. */
export function createPasswords({
  kib = leastPasswordKib,
  atOnce = Math.min(4, availableParallelism()),
  waiting = 100,
}: PasswordOptions = {}): Passwords {
  // The library's default variant is argon2id.
  const cost = { memoryCost: kib, timeCost: 2, parallelism: 1 };
  const turns = createTurns(atOnce, waiting);
  const unknown = hash('a password that nobody has', cost);
  return {
    hash: (password) => turns(() => hash(password, cost)),
    verify: (stored, password) =>
      turns(async () => {
        const fits = await verify(stored ?? (await unknown), password);
        return fits && stored !== null;
      }),
  };
}

function createTurns(atOnce: number, maxWaiting: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= maxWaiting) throw new Failure('UNAVAILABLE', { retryAfter: 1 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      // The turn is handed on as it is, so that nobody comes in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
