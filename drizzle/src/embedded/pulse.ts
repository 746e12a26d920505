/** Memory that the main thread and the worker share: the worker cannot answer messages while a statement runs. */
const words = { beat: 0, limitMs: 1, unread: 2 } as const;

/** Bytes that may lie between the worker and the driver before the worker waits. */
const maxUnread = 4 * 1024 * 1024;

export class Pulse {
  private readonly memory: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
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

  /** Worker: `bytes` leave. Waits while too many lie unread, which also keeps a huge result out of memory. */
  sent(bytes: number): void {
    let unread = Atomics.add(this.memory, words.unread, bytes) + bytes;
    while (unread > maxUnread) {
      Atomics.wait(this.memory, words.unread, unread, 100);
      unread = Atomics.load(this.memory, words.unread);
    }
  }

  /** Main: the driver took `bytes`, or nobody will any more. */
  taken(bytes: number): void {
    Atomics.sub(this.memory, words.unread, bytes);
    Atomics.notify(this.memory, words.unread);
  }
}
