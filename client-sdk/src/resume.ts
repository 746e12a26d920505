import type { Operation, OperationResultEnvelope, TRPCClientError, TRPCLink } from '@trpc/client';
import { observable, type Observable, type Observer, type Unsubscribable } from '@trpc/server/observable';
import { errorFrom } from './errors-from.ts';
import { clientError, type OlympusError } from './failure.ts';
import type { OlympusRouter } from './procedures.ts';
import { delayAfter, isTransient } from './retry.ts';
import type { Credentials } from './credentials.ts';
import { sessionEnded } from './session.ts';

export type Envelope = OperationResultEnvelope<unknown, TRPCClientError<OlympusRouter>>;
type Watcher = Observer<Envelope, TRPCClientError<OlympusRouter>>;

interface Subscription {
  readonly op: Operation;
  readonly observer: Watcher;
  readonly subscribe: (op: Operation) => Observable<Envelope, unknown>;
  readonly keeper: Credentials;
  /** The token under which a stream that was started with this context runs. */
  readonly tokenOf: (context: object) => string | null | undefined;
}

/**
 * Keeps subscriptions going: after a cut they start again behind the last event that came, after an expired
 * token with a new one. They end with their session. A stream whose items carry no ids is not started again.
 */
export function resuming(keeper: Credentials, tokenOf: Subscription['tokenOf']) {
  const streams = new Set<ResumingStream>();
  const link: TRPCLink<OlympusRouter> =
    () =>
    ({ op, next }) => {
      if (op.type !== 'subscription') return next(op);
      return observable((observer) => {
        const given = { op, observer: observer as Watcher, subscribe: next, keeper, tokenOf };
        const stream = new ResumingStream(given, () => streams.delete(stream));
        streams.add(stream);
        stream.start();
        return () => stream.stop();
      });
    };
  return {
    link,
    finishAll: () => streams.forEach((stream) => stream.finish()),
    /** Starts every stream anew behind its last event, as another way is to be taken. */
    moveAll: () => streams.forEach((stream) => stream.move()),
  };
}

class ResumingStream {
  readonly #given: Subscription;
  readonly #forget: () => void;
  readonly #onStop: () => void;
  #stopped = false;
  #running: Unsubscribable | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastEventId: string | undefined;
  #unnumbered = false;
  #renewed = false;
  #failures = 0;
  /** How often it was started. */
  #runs = 0;

  constructor(given: Subscription, onStop: () => void) {
    this.#given = given;
    this.#onStop = onStop;
    this.#forget = given.keeper.onChange(({ ended, error }) => {
      if (ended) this.#fail(error ?? sessionEnded());
    });
  }

  start(): void {
    const { signal } = this.#given.op;
    signal?.addEventListener('abort', this.finish);
    if (signal?.aborted) this.finish();
    else this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#forget();
    this.#onStop();
    this.#given.op.signal?.removeEventListener('abort', this.finish);
    this.#running?.unsubscribe();
  }

  /** What cannot be resumed stays where it is. */
  move(): void {
    if (this.#stopped || this.#unnumbered) return;
    this.#running?.unsubscribe();
    this.#run();
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#runs++;
    const { op, subscribe } = this.#given;
    const context = { ...op.context };
    const input = this.#lastEventId ? { ...(op.input as object), lastEventId: this.#lastEventId } : op.input;
    this.#running = subscribe({ ...op, input, context, signal: null }).subscribe({
      next: (envelope) => this.#take(envelope),
      error: (cause) => void this.#recover(errorFrom(cause), context),
      complete: this.finish,
    });
    // It may have failed before there was anything to unsubscribe from.
    if (this.#stopped) this.#running.unsubscribe();
  }

  #take(envelope: Envelope): void {
    if (this.#stopped) return;
    const { result } = envelope;
    if (result.type === 'started') {
      // A socket was replaced below, and the stream begins anew.
      if (this.#unnumbered) return this.#fail(clientError('NETWORK', 'The stream was cut and cannot be resumed'));
      this.#failures = 0;
      this.#renewed = false;
    } else if (result.type === 'data' || result.type === undefined) {
      if ('id' in result && result.id) this.#lastEventId = result.id;
      else this.#unnumbered = true;
    }
    this.#given.observer.next(envelope);
  }

  async #recover(cause: OlympusError, context: object): Promise<void> {
    if (this.#stopped) return;
    let error = cause;
    const { keeper, tokenOf, observer } = this.#given;
    const token = tokenOf(context);
    if (this.#unnumbered) return this.#fail(error);
    if (error.failure.code === 'UNAUTHENTICATED' && token && !this.#renewed) {
      const runs = this.#runs;
      const renewed = await keeper.renew(token).catch(errorFrom);
      if (this.#stopped || runs !== this.#runs) return;
      if (typeof renewed === 'object') error = renewed;
      else if (renewed) {
        this.#renewed = true;
        return this.#run();
      }
    }
    if (!isTransient(error)) return this.#fail(error);
    observer.next({ result: { type: 'state', state: 'connecting', error: error as never } });
    this.#timer = setTimeout(() => this.#run(), delayAfter(error, this.#failures++));
  }

  #fail(error: OlympusError): void {
    if (this.#stopped) return;
    this.stop();
    this.#given.observer.error(error as never);
  }

  readonly finish = (): void => {
    if (this.#stopped) return;
    this.stop();
    this.#given.observer.complete();
  };
}
