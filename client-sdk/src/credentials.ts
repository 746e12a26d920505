import type { Session } from './contracts.ts';
import { isFailure, type OlympusError } from './failure.ts';
import type { StoredSession } from './session.ts';

/** A change of credential; `ended` when calls can no longer be made by it. */
interface CredentialChange {
  readonly token: string | null;
  readonly ended: boolean;
  /** Why it ended, where the server said so. */
  readonly error?: OlympusError;
}
export type CredentialListener = (change: CredentialChange) => void;

/** What calls are signed with: a session, or an API key. */
export interface Credentials {
  /** null for an API key, and when nobody is signed in. */
  readonly current: Promise<StoredSession | null>;
  /** What to send; null when nobody is signed in. */
  token(): Promise<string | null>;
  /** After the server refused a token: whether to try again, with what `token` then says. Throws when it is refused for good. */
  renew(refused: string): Promise<boolean>;
  /** Milliseconds until the token is to be renewed; null for never or unknown. */
  renewalIn(): Promise<number | null>;
  /** Takes what a sign-in answered, or null. */
  change(answer: Session | null): Promise<void>;
  /** Calls back on every change until the returned function is called. */
  onChange(listener: CredentialListener): () => void;
}

/** Whether the server said no for good, rather than being out of reach or busy. */
export const isRefusal = (error: unknown): error is OlympusError =>
  isFailure(error) && error.failure.code !== 'NETWORK' && error.failure.status >= 400 && error.failure.status < 429;
