import type { Session } from './contracts.ts';
import { isRefusal, type CredentialListener, type Credentials } from './credentials.ts';
import { OlympusError, type FailureCode } from './failure.ts';

/** An API key, or what tells it: asked for every request, so that a rotated key is taken up. */
export type ApiKeySource = string | (() => string | Promise<string>);

interface ApiKeyOptions {
  readonly key: ApiKeySource;
  /** Asks the server whether it still takes the key. */
  readonly check: () => Promise<unknown>;
  readonly onEnd: ((error: OlympusError) => void) | undefined;
}

/** Signs calls with an API key. There is no session: what signs in or out changes nothing here. */
export class ApiKeyKeeper implements Credentials {
  readonly current = Promise.resolve(null);
  readonly #options: ApiKeyOptions;
  readonly #listeners = new Set<CredentialListener>();
  #checking: Promise<boolean> | null = null;
  /** The key of whose end the application has been told. */
  #ended: string | null = null;

  constructor(options: ApiKeyOptions) {
    this.#options = options;
  }

  async token(): Promise<string> {
    const { key } = this.#options;
    return typeof key === 'string' ? key : key();
  }

  /**
   * True for another key, and for one that is still good: streams also end because it may do more or less than before.
   * Otherwise ends everything that is open, and throws.
   */
  async renew(refused: string): Promise<boolean> {
    if ((await this.token()) !== refused) return true;
    this.#checking ??= this.#check(refused).finally(() => (this.#checking = null));
    return this.#checking;
  }

  renewalIn(): Promise<null> {
    return this.current;
  }

  change(_answer: Session | null): Promise<void> {
    return Promise.resolve();
  }

  onChange(listener: CredentialListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #check(key: string): Promise<boolean> {
    try {
      await this.#options.check();
      return true;
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      const error = cause.failure.code === 'UNAUTHENTICATED' ? keyRefused(cause) : cause;
      for (const listener of this.#listeners) listener({ token: null, ended: true, error });
      // A callback that throws must not hide the reason from the call.
      if (this.#ended !== key) queueMicrotask(() => this.#options.onEnd?.(error));
      this.#ended = key;
      throw error;
    }
  }
}

function keyRefused(cause: OlympusError): OlympusError {
  const { title, requestId } = cause.failure;
  const detail = 'The API key was refused: it is unknown, revoked or expired';
  const failure = { code: 'UNAUTHENTICATED', status: 401, title, detail, data: null, errors: [], requestId } as const;
  return new OlympusError<FailureCode>(failure, { cause });
}
