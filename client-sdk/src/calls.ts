import type { Operation, OperationResultEnvelope, TRPCLink } from '@trpc/client';
import { observable, type Observable } from '@trpc/server/observable';
import type { Session } from './contracts.ts';
import { renewing, type Sent } from './endpoint.ts';
import type { OlympusRouter } from './procedures.ts';
import { tryWithin } from './retry.ts';
import type { Credentials } from './credentials.ts';

/**
 * What a single call may set for itself, given as tRPC's `context`.
 * @example api.orders.create.mutate(order, { signal, context: { timeoutMs: 5_000 } })
 */
export interface CallContext {
  /** Milliseconds for the whole call, its retries included; 0 for no limit. */
  timeoutMs?: number | undefined;
  /** How often a call that failed in passing is tried again. */
  retries?: number | undefined;
  /** Of a mutation: 1 to 255 visible ASCII characters without a comma; one of its own when absent. */
  idempotencyKey?: string | undefined;
}
export interface CallDefaults {
  readonly timeoutMs: number;
  readonly retries: number;
}

/** The context of an operation on its way to the wire. */
export interface WireContext extends CallContext, Sent {
  /** A call by the keeper of the credential, who takes the answer itself and must not wait for itself. */
  renewal?: boolean;
}

const signIns: readonly string[] = ['auth.register', 'auth.login', 'auth.refresh', 'signIn.finish'];

const isSignIn = ({ path }: Pick<Operation, 'path'>): boolean => signIns.includes(path);
/** For whom cannot sign in: what is left of a session must not stand in their way. */
const forStrangers: readonly string[] = [
  'account.requestPasswordReset',
  'account.resetPassword',
  'account.requestEmailVerification',
  'account.verifyEmail',
];

/** Calls without a token: because they are about to replace it, or since a bad one would be refused even where none is needed. */
export const isBare = ({ path }: Pick<Operation, 'path'>): boolean => isSignIn({ path }) || forStrangers.includes(path);

// Where the server keeps no key (sign-ins, secrets, imports), a lost answer must not lead to a second effect.
const isKeyed = ({ type, path }: Operation): boolean =>
  type === 'mutation' && !/^(auth|account|signIn)\./.test(path) && !path.endsWith('.import');

/**
 * Time limit, retries and renewal of the token for queries and mutations. A mutation is
 * repeated under one idempotency key. A change of session is taken before the call is settled.
 */
export const callLink =
  (keeper: Credentials, defaults: CallDefaults): TRPCLink<OlympusRouter> =>
  () =>
  ({ op, next }) => {
    if (op.type === 'subscription') return next(op);
    return observable((observer) => {
      const left = new AbortController();
      const context: WireContext & Record<string, unknown> = { ...op.context };
      const keyed = isKeyed(op);
      if (keyed) context.idempotencyKey ??= randomKey();
      const { timeoutMs = defaults.timeoutMs, retries = defaults.retries } = context;
      const limits = {
        timeoutMs,
        retries: keyed || op.type === 'query' ? retries : 0,
        signals: [op.signal, left.signal],
      };
      const call = next({ ...op, context, signal: null });
      const perform = async () => {
        const attempt = (signal: AbortSignal) =>
          context.renewal ? settled(call, signal) : renewing(keeper, context, () => settled(call, signal));
        const envelope = await tryWithin(limits, attempt);
        if (!context.renewal) await followSession(keeper, op, envelope);
        observer.next(envelope);
        observer.complete();
      };
      perform().catch((error: unknown) => observer.error(error as never));
      return () => left.abort();
    });
  };

/** The first answer; unsubscribes when the signal is aborted, whose reason is then thrown. */
const settled = <T>(answers: Observable<T, Error>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const leave = () => {
      subscription.unsubscribe();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
    const done = () => signal.removeEventListener('abort', leave);
    const subscription = answers.subscribe({
      next(value) {
        done();
        resolve(value);
      },
      error(error) {
        done();
        reject(error);
      },
    });
  });

/** Signing in, renewing and signing out by the client's own procedures changes its session. */
async function followSession(
  keeper: Credentials,
  { path, input }: Operation,
  { result }: OperationResultEnvelope<unknown, unknown>,
): Promise<void> {
  if (path !== 'auth.logout' && !isSignIn({ path })) return;
  const current = await keeper.current;
  const named = (input as { refreshToken?: string } | undefined)?.refreshToken;
  // Another session was renewed or ended, not ours.
  if (named && current && current.refreshToken !== named) return;
  await keeper.change(path === 'auth.logout' ? null : ((result as { data: unknown }).data as Session));
}

export function randomKey(): string {
  // `randomUUID` is missing on pages that were not served securely.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
