import type { Session } from './contracts.ts';
import { isRefusal, type CredentialListener, type Credentials } from './credentials.ts';
import { isFailure, OlympusError, type FailureCode } from './failure.ts';

/** A signed-in user's tokens. */
export interface StoredSession extends Session {
  /** When the access token expires, by this machine's clock, in milliseconds since the epoch. Absent: unknown. */
  expiresAt?: number;
}
type Awaitable<T> = T | Promise<T>;

/** Where the session is kept: memory by default, any other place by these two functions. */
export interface SessionStore {
  get(): Awaitable<StoredSession | null | undefined>;
  set(session: StoredSession | null): Awaitable<void>;
}

/** Keeps the session until the process or page ends. */
export function memorySession(session: StoredSession | null = null): SessionStore {
  return {
    get: () => session,
    set: (next) => {
      session = next;
    },
  };
}

interface SessionOptions {
  readonly store: SessionStore;
  /** Exchanges a refresh token. */
  readonly exchange: (refreshToken: string) => Promise<Session>;
  /** The session was refused; called after it was dropped. */
  readonly onEnd: ((error: OlympusError) => void) | undefined;
}
// Renewed this long before expiry, in milliseconds; a token that lives shortly, after half its life.
const skew = 30_000;
const storingMs = 300;

/** Hands out access tokens and renews them, many callers sharing one exchange. */
export class SessionKeeper implements Credentials {
  readonly #options: SessionOptions;
  readonly #listeners = new Set<CredentialListener>();
  #renewal: Promise<string | null> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get current(): Promise<StoredSession | null> {
    return Promise.resolve(this.#options.store.get()).then((session) => session ?? null);
  }

  /** An access token that is not about to expire; null when nobody is signed in. */
  async token(): Promise<string | null> {
    const session = await this.current;
    if (!session) return null;
    if (dueIn(session) > 0) return session.accessToken;
    try {
      return await this.#renewed(session.accessToken);
    } catch (error) {
      // While the old token lasts, a server that cannot renew it just now is no reason to fail.
      if (!isRefusal(error) && Date.now() < (session.expiresAt ?? 0)) return session.accessToken;
      throw error;
    }
  }

  /** Renews a token that the server refused. Resolves to whether there is another one to try. */
  async renew(refused: string): Promise<boolean> {
    const token = await this.#renewed(refused);
    return token !== null && token !== refused;
  }

  /** Milliseconds until the token is to be renewed; null when that is unknown or nobody is signed in. */
  async renewalIn(): Promise<number | null> {
    const session = await this.current;
    return session?.expiresAt === undefined ? null : dueIn(session);
  }

  /** Takes a fresh session, or null. */
  async change(answer: Session | null): Promise<void> {
    const session = answer && { ...answer, expiresAt: Date.now() + answer.expiresIn * 1000 };
    const before = await this.current;
    await this.#options.store.set(session);
    const ended = before !== null && before.user.id !== session?.user.id;
    for (const listener of this.#listeners) listener({ token: session?.accessToken ?? null, ended });
  }

  /** Calls back on every change until the returned function is called. */
  onChange(listener: CredentialListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #renewed(stale: string): Promise<string | null> {
    this.#renewal ??= locked(() => this.#exchange(stale)).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #exchange(stale: string): Promise<string | null> {
    const session = await this.current;
    // Another page, or a call just before, has renewed it already.
    if (session?.accessToken !== stale) return session?.accessToken ?? null;
    const { refreshToken } = session;
    const unchanged = async () => (await this.current)?.refreshToken === refreshToken;
    try {
      const answer = await this.#options.exchange(refreshToken);
      // Whoever signed in or out meanwhile is right.
      if (await unchanged()) await this.change(answer);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Another process with the same store may have been first, and about to store what it got.
      if (await unchanged()) await new Promise((resolve) => setTimeout(resolve, storingMs));
      if (await unchanged()) {
        await this.change(null);
        const ended = sessionEnded(error);
        // A callback that throws must not hide the reason from the call.
        queueMicrotask(() => this.#options.onEnd?.(ended));
        throw ended;
      }
    }
    return (await this.current)?.accessToken ?? null;
  }
}

/** What calls fail with once their session is over. */
export function sessionEnded(cause?: unknown): OlympusError {
  const title = 'A valid credential is needed';
  const detail = 'The session has ended; sign in again';
  const requestId = isFailure(cause) ? cause.failure.requestId : null;
  const failure = { code: 'UNAUTHENTICATED', status: 401, title, detail, data: null, errors: [], requestId } as const;
  return new OlympusError<FailureCode>(failure, { cause });
}

const dueIn = ({ expiresAt, expiresIn }: StoredSession): number =>
  expiresAt === undefined ? Infinity : expiresAt - Date.now() - Math.min(skew, expiresIn * 500);

/** One exchange at a time among the pages of a browser that share a store. */
function locked<T>(work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  return locks ? (locks.request('olympus-session', work) as Promise<T>) : work();
}
