import type { Operation, OperationLink, TRPCLink } from '@trpc/client';
import { observable, type Unsubscribable } from '@trpc/server/observable';
import { errorFrom } from './errors-from.ts';
import { clientError, silence, type OlympusError } from './failure.ts';
import type { OlympusRouter } from './procedures.ts';

/** A way by which live updates come. */
export interface Way {
  readonly link: TRPCLink<OlympusRouter>;
  /** The token under which a stream that was started with this context runs. */
  readonly tokenOf: (context: object) => string | null | undefined;
}

interface OpenStream {
  readonly op: Operation;
  readonly way: number;
  readonly fail: (error: OlympusError) => void;
}
interface LadderContext {
  way?: number;
}

/** A stream that has not begun within this time is tried another way. */
const startMs = 10_000;
/** Streams that are cut sooner than this, */
const shortMs = 10_000;
/** so many in a row, are no way to go on. */
const mostCuts = 3;
/** After which a better way is tried again: longer each time, with jitter. */
const firstClimbMs = 10_000;
const longestClimbMs = 600_000;

/**
 * Ways from the best to the one that passes every proxy. Streams take the best that works: when one does not, because
 * connections are refused, held back or cut, the next is taken, and the better ones are tried again later, beside the
 * streams, which move once it has been seen to work. They go on from their last event, so nothing is lost or told twice.
 */
export class Ladder implements Way {
  readonly #ways: readonly Way[];
  readonly #open = new Set<OpenStream>();
  #links: readonly OperationLink<OlympusRouter>[] = [];
  #at = 0;
  /** The way by which a stream has begun last. */
  #worked = -1;
  #cuts = 0;
  #climbs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #climbing = false;
  /** Moves open streams to the way that is taken now. */
  onClimb: () => void = () => undefined;

  constructor(ways: readonly Way[]) {
    this.#ways = ways;
  }

  readonly tokenOf = (context: object): string | null | undefined =>
    this.#ways[(context as LadderContext).way ?? 0]?.tokenOf(context);

  readonly link: TRPCLink<OlympusRouter> = (runtime) => {
    this.#links = this.#ways.map(({ link }) => link(runtime));
    return ({ op, next }) =>
      observable((observer) => {
        const way = this.#at;
        (op.context as LadderContext).way = way;
        let begun = 0;
        let inner: Unsubscribable | undefined;
        const fail = (error: OlympusError) => {
          if (!this.#open.has(stream)) return;
          leave();
          this.#failed(way, error, begun && Date.now() - begun);
          observer.error(error as never);
        };
        const stream: OpenStream = { op, way, fail };
        const late = setTimeout(
          () => fail(clientError('NETWORK', `Nothing began within ${startMs} ms`, { cause: silence })),
          startMs,
        );
        const leave = () => {
          clearTimeout(late);
          this.#open.delete(stream);
          if (!this.#open.size) this.#rest();
          inner?.unsubscribe();
        };
        this.#open.add(stream);
        this.#schedule();
        inner = this.#links[way]!({ op, next }).subscribe({
          next: (envelope) => {
            if (envelope.result.type === 'started') {
              clearTimeout(late);
              begun = Date.now();
              this.#worked = way;
            }
            observer.next(envelope);
          },
          error: (cause) => fail(errorFrom(cause)),
          complete: () => {
            // Some links complete what is unsubscribed.
            if (!this.#open.has(stream)) return;
            leave();
            observer.complete();
          },
        });
        // It may have failed before there was anything to unsubscribe from.
        if (!this.#open.has(stream)) inner.unsubscribe();
        return leave;
      });
  };

  /** Fails the streams that go this way, as their connection cannot be had. */
  block(way: Way): void {
    for (const stream of Array.from(this.#open))
      if (this.#ways[stream.way] === way) stream.fail(clientError('NETWORK', 'No connection can be opened'));
  }

  /** `lastedMs` is 0 for a stream that has not begun. */
  #failed(way: number, error: OlympusError, lastedMs: number): void {
    if (way !== this.#at || error.failure.code !== 'NETWORK') return;
    this.#cuts = lastedMs && lastedMs < shortMs ? this.#cuts + 1 : 0;
    const stays = lastedMs ? this.#cuts < mostCuts : way > 0 && this.#worked === way;
    if (stays && error.cause !== silence) return;
    // Where the way below does no better, it is the server that cannot be reached.
    this.#at = way === this.#ways.length - 1 ? 0 : way + 1;
    this.#cuts = 0;
    this.#worked = -1;
    this.#rest();
    this.#schedule();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (!this.#at || !this.#open.size || this.#timer !== undefined || this.#climbing) return;
    const most = Math.min(longestClimbMs, firstClimbMs * 2 ** this.#climbs);
    this.#timer = setTimeout(() => void this.#climb(), most * (0.5 + Math.random() / 2));
  }

  /** Tries the better ways with a stream of its own, the best first. */
  async #climb(): Promise<void> {
    this.#rest();
    this.#climbing = true;
    this.#climbs++;
    const [stream] = this.#open;
    for (let way = 0; stream && way < this.#at; way++) {
      if (!(await this.#works(way, stream.op)) || way >= this.#at) continue;
      this.#at = way;
      this.#worked = way;
      if (!way) this.#climbs = 0;
      this.onClimb();
      break;
    }
    this.#climbing = false;
    this.#schedule();
  }

  #works(way: number, op: Operation): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (works: boolean) => {
        clearTimeout(timer);
        resolve(works);
        queueMicrotask(() => trial?.unsubscribe());
      };
      const timer = setTimeout(settle, startMs, false);
      const trial: Unsubscribable | undefined = this.#links[way]?.({
        op: { ...op, context: {} },
        next: undefined as never,
      }).subscribe({
        next: ({ result }) => result.type === 'started' && settle(true),
        error: () => settle(false),
        complete: () => settle(false),
      });
    });
  }
}
