/** Bytes that may lie between the worker and the driver of one connection before the worker waits. */
const maxUnread = 4 * 1024 * 1024;

/** So little that nothing the worker still sends brings it back above the bound, nor below the smallest number. */
const abandoned = -(2 ** 30);

/** Counts the unread bytes of one connection in memory that both threads share, so that no result piles up in it. */
export class Credit {
  readonly memory: SharedArrayBuffer;
  private readonly unread: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.unread = new Int32Array(memory);
  }

  /** Worker: `bytes` are sent. Waits while too many lie unread. */
  spend(bytes: number): void {
    let unread = Atomics.add(this.unread, 0, bytes) + bytes;
    while (unread > maxUnread) {
      Atomics.wait(this.unread, 0, unread);
      unread = Atomics.load(this.unread, 0);
    }
  }

  /** Main: the driver took `bytes`. */
  earn(bytes: number): void {
    Atomics.sub(this.unread, 0, bytes);
    Atomics.notify(this.unread, 0);
  }

  /** Main: nobody will read any more. */
  abandon(): void {
    Atomics.store(this.unread, 0, abandoned);
    Atomics.notify(this.unread, 0);
  }
}
