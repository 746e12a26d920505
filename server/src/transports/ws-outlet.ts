import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { TrpcLimits } from './trpc-limits.ts';

/** What goes out on a socket, and whether its reader takes it. */
export class Outlet {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #limits: TrpcLimits;
  readonly #onSlow: () => void;
  #draining: Promise<void> | null = null;
  #taken = 0;
  #takenAt = performance.now();

  constructor(ws: WebSocket, socket: Socket, { limits, onSlow }: { limits: TrpcLimits; onSlow: () => void }) {
    this.#ws = ws;
    this.#socket = socket;
    this.#limits = limits;
    this.#onSlow = onSlow;
  }

  /** Sends, or gives the reader up: one message may pass the bound, the next may not. */
  send(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#ws.bufferedAmount > this.#limits.hardBufferBytes) this.#onSlow();
    else this.#ws.send(text);
  }

  /** The same for a message that is framed already: extensions, which are off, would frame it otherwise. */
  sendFrame(frame: Buffer): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#ws.bufferedAmount > this.#limits.hardBufferBytes) this.#onSlow();
    else this.#socket.write(frame);
  }

  /** Whether a subscription should wait before it hands over more. */
  get isFull(): boolean {
    return this.#ws.readyState === this.#ws.OPEN && this.#ws.bufferedAmount > this.#limits.softBufferBytes;
  }

  /** Resolves when the reader has taken all there was, or has left. */
  drained(): Promise<void> {
    if (this.#socket.destroyed) return nextTurn();
    this.#draining ??= new Promise((resolve) => {
      const settle = () => {
        this.#socket.off('drain', settle).off('close', settle);
        this.#draining = null;
        resolve();
      };
      this.#socket.on('drain', settle).on('close', settle);
    });
    return this.#draining;
  }

  /** Whether something waits to be read, and nothing has been for too long. `now` by `performance.now()`. */
  isStalled(now: number): boolean {
    const waiting = this.#ws.bufferedAmount;
    const taken = this.#socket.bytesWritten - waiting;
    if (waiting === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
      return false;
    }
    return now - this.#takenAt >= this.#limits.stalledMs;
  }
}
