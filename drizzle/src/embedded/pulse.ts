/** Memory that the main thread and the worker share: the worker cannot answer messages while a statement runs. */
const words = { beat: 0, limitMs: 1 } as const;

export class Pulse {
  private readonly memory: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Worker: a statement starts. */
  begin(limitMs: number): void {
    Atomics.store(this.memory, words.limitMs, limitMs);
    Atomics.add(this.memory, words.beat, 1);
  }

  /** Worker: it ended. */
  end(): void {
    Atomics.add(this.memory, words.beat, 1);
  }

  /** Main: an odd `beat` names the statement that runs now. `limitMs` 0 means no limit. */
  read(): { beat: number; limitMs: number } {
    return { beat: Atomics.load(this.memory, words.beat), limitMs: Atomics.load(this.memory, words.limitMs) };
  }
}
