import { DatabaseUnavailable } from './errors.ts';
import { Session, type ClientFactory } from './session.ts';
import type { PoolStats } from './types.ts';

export interface PoolLimits {
  size: number;
  queryTimeoutMs: number;
  stallTimeoutMs: number;
}

interface Waiter {
  resolve(session: Session): void;
  reject(error: Error): void;
  since: number;
  timer: NodeJS.Timeout;
}

/**
 * Lends whole connections, one caller at a time: the driver's own pool sends statements of several callers down one
 * connection, where a slow one delays and a broken one fails the others.
 */
export class Pool {
  private readonly limits: PoolLimits;
  private readonly create: ClientFactory;
  private readonly sessions: Session[] = [];
  private readonly idle: Session[] = [];
  private readonly waiters = new Set<Waiter>();
  private lastReturn = performance.now();
  private closed = false;
  private drained: (() => void) | undefined;

  constructor(create: ClientFactory, limits: PoolLimits) {
    this.create = create;
    this.limits = limits;
  }

  /** Runs `work` with a connection of its own. Throws `DatabaseUnavailable` when none comes free. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.lease();
    try {
      return await work(session);
    } finally {
      this.giveBack(session);
    }
  }

  /** Takes a connection, which must be given back. */
  async lease(): Promise<Session> {
    const session = this.take() ?? (await this.wait());
    session.renew();
    return session;
  }

  giveBack(session: Session): void {
    this.lastReturn = performance.now();
    const [waiter] = this.waiters;
    if (waiter) {
      clearTimeout(waiter.timer);
      this.waiters.delete(waiter);
      waiter.resolve(session);
      return;
    }
    this.idle.push(session);
    if (this.inUse === 0) this.drained?.();
  }

  stats(): PoolStats {
    return { size: this.limits.size, inUse: this.inUse, waiting: this.waiters.size };
  }

  /** Refuses new calls, waits for the running ones up to `milliseconds`, then ends all connections. */
  async close(milliseconds: number): Promise<void> {
    this.closed = true;
    for (const waiter of this.waiters)
      this.refuse(waiter, new DatabaseUnavailable('CLOSED', 'the database was closed'));
    if (this.inUse > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all(this.sessions.map((session) => session.end(1)));
  }

  private get inUse(): number {
    return this.sessions.length - this.idle.length;
  }

  private take(): Session | undefined {
    if (this.closed) throw new DatabaseUnavailable('CLOSED', 'the database was closed');
    // The connection used last is the warmest, and the others may rest.
    const idle = this.idle.pop();
    if (idle || this.sessions.length >= this.limits.size) return idle;
    const session = new Session(this.create, this.limits.queryTimeoutMs);
    this.sessions.push(session);
    return session;
  }

  private wait(): Promise<Session> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        since: performance.now(),
        timer: setTimeout(() => this.timeUp(waiter), this.limits.stallTimeoutMs),
      };
      this.waiters.add(waiter);
    });
  }

  /** After the event loop was held up, answers that wait in the sockets are taken in first. */
  private timeUp(waiter: Waiter): void {
    setImmediate(() => {
      if (this.waiters.has(waiter)) this.reconsider(waiter);
    });
  }

  /** A queue that moves may be waited in; one that stands still means that the database is stuck or the pool is held. */
  private reconsider(waiter: Waiter): void {
    const { stallTimeoutMs, queryTimeoutMs } = this.limits;
    const now = performance.now();
    const stalled = now - this.lastReturn >= stallTimeoutMs;
    if (stalled || now - waiter.since >= queryTimeoutMs) {
      this.refuse(waiter, new DatabaseUnavailable('BUSY', 'every connection to the database is in use'));
      return;
    }
    const next = Math.min(stallTimeoutMs - (now - this.lastReturn), queryTimeoutMs - (now - waiter.since));
    waiter.timer = setTimeout(() => this.timeUp(waiter), Math.max(1, next));
  }

  private refuse(waiter: Waiter, error: Error): void {
    clearTimeout(waiter.timer);
    this.waiters.delete(waiter);
    waiter.reject(error);
  }
}
