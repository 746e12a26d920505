import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { Credit } from './credit.ts';

/** How long the driver may read without giving the event loop a turn. */
const sliceMs = 5;

/** The driver's end of a logical connection: a socket whose bytes travel over a message port. */
export class Channel extends Duplex {
  /** The driver reads this before it says goodbye. */
  readyState: 'open' | 'closed' = 'open';
  readonly credit = new Credit();
  private port: MessagePort | undefined;
  private unsent: Uint8Array<ArrayBuffer>[] = [];
  private arrived: Buffer[] = [];
  private feeding = false;
  private ended = false;

  /** Called once the worker is there; what was written before goes out now. */
  attach(port: MessagePort): void {
    if (this.destroyed) {
      port.close();
      return;
    }
    this.port = port;
    port.on('message', (bytes: Uint8Array) => {
      if (this.destroyed) return;
      this.arrived.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      this.feed();
    });
    port.on('close', () => {
      this.ended = true;
      this.feed();
    });
    for (const bytes of this.unsent.splice(0)) port.postMessage(bytes, [bytes.buffer]);
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    // A copy: Node's buffers share memory, which must not be handed away.
    const bytes = new Uint8Array(chunk);
    if (this.port) this.port.postMessage(bytes, [bytes.buffer]);
    else this.unsent.push(bytes);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.readyState = 'closed';
    this.port?.close();
    this.arrived = [];
    this.credit.abandon();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  /** Many messages may arrive in one turn of the event loop; they are read in slices of time. */
  private feed(): void {
    if (this.feeding) return;
    const until = performance.now() + sliceMs;
    for (let next = this.arrived.shift(); next; next = this.arrived.shift()) {
      this.credit.earn(next.length);
      this.push(next);
      if (this.arrived.length > 0 && performance.now() > until) {
        this.feeding = true;
        setImmediate(() => {
          this.feeding = false;
          this.feed();
        });
        return;
      }
    }
    if (this.ended && !this.destroyed) {
      this.push(null);
      this.destroy();
    }
  }
}
