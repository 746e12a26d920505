import type { PresenceEvent } from '@olympus/contracts';

/** Events that may wait for a slow reader. */
const queueLimit = 1000;

/** One reader of presence. To one that is too slow the state is told again, in the place of what it has missed. */
export class Watcher {
  readonly userId: string;
  readonly #state: () => PresenceEvent;
  #queue: PresenceEvent[] = [];
  #behind = true;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(userId: string, state: () => PresenceEvent) {
    this.userId = userId;
    this.#state = state;
  }

  push(event: PresenceEvent): void {
    if (this.#behind || this.#ended) return;
    if (this.#queue.length >= queueLimit) {
      this.#queue = [];
      this.#behind = true;
    } else this.#queue.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The state, then what changes, until the end. */
  async *events(): AsyncGenerator<PresenceEvent, void, undefined> {
    while (!this.#ended) {
      if (this.#behind) {
        this.#behind = false;
        yield this.#state();
      } else if (this.#queue.length > 0) {
        const events = this.#queue;
        this.#queue = [];
        yield* events;
      } else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
