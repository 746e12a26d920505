import type { Duplex } from 'node:stream';
import type postgres from 'postgres';
import { DatabaseTimeout, DatabaseUnavailable } from './errors.ts';
import type { Statement } from './statement.ts';

type Row = Record<string, unknown>;

export interface Result {
  rows: Row[];
  /** The server's word for what it did: `SELECT`, `COMMIT`, `ROLLBACK`, … */
  command: string;
}

/** Makes a driver client of one connection. `track` hands over its socket, `onClose` tells that the connection broke. */
export type ClientFactory = (events: { track: (socket: Duplex) => Duplex; onClose: () => void }) => postgres.Sql;

interface Link {
  client: postgres.Sql;
  socket?: Duplex;
  /** True once the session has turned to another link. */
  over: boolean;
  /** True once its connection broke. */
  broken: boolean;
  /** When to make a new connection, so that what a session gathers, such as prepared statements, does not grow for ever. */
  readonly oldAt: number;
}

const lifetimeMs = 30 * 60_000;

/**
 * One connection of a pool. The driver would move on to a new connection by itself when the old one breaks; a session says
 * `LOST` until it is given back, so that no statement of a broken transaction runs outside of it, and then begins anew.
 */
export class Session {
  private readonly create: ClientFactory;
  private readonly timeoutMs: number;
  private link: Link;
  private lost: DatabaseUnavailable | undefined;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(create: ClientFactory, timeoutMs: number) {
    this.create = create;
    this.timeoutMs = timeoutMs;
    this.link = this.connect();
  }

  private connect(): Link {
    const events = {
      track: (socket: Duplex) => {
        link.socket = socket;
        // The driver fails a statement at the error, loses one that is sent before the close, and reports only the close.
        socket.once('error', () => events.onClose());
        // The driver of a link that was given up may still try to reconnect: its socket is born dead.
        if (link.over) socket.destroy();
        return socket;
      },
      onClose: () => {
        link.broken = true;
        if (!link.over) this.lost ??= new DatabaseUnavailable('LOST', 'the connection to the database broke');
      },
    };
    const link: Link = {
      client: this.create(events),
      over: false,
      broken: false,
      oldAt: performance.now() + lifetimeMs * (1 + Math.random()),
    };
    return link;
  }

  /**
   * Called when a lease begins: what happened to the connection before is of no concern any more. A driver client whose
   * connection broke is left behind: where a write was pending, it never sends anything again (postgres 3.4.9).
   */
  renew(): void {
    if (this.link.broken) this.discard(new DatabaseUnavailable('LOST', 'the connection broke'));
    else if (performance.now() > this.link.oldAt)
      this.discard(new DatabaseUnavailable('LOST', 'the connection is old'));
    this.lost = undefined;
  }

  /**
   * Runs one statement after the ones before it. Throws the server's error, or `DatabaseUnavailable`.
   * `once` leaves no prepared statement behind.
   */
  run({ text, parameters }: Statement, how: 'prepared' | 'once' = 'prepared'): Promise<Result> {
    return this.inTurn(async () => {
      const values = parameters as postgres.ParameterOrJSON<never>[];
      // `simple` is the driver's own option, without which a statement that has no parameters would not be prepared.
      const options = { prepare: how === 'prepared', simple: false } as postgres.UnsafeQueryOptions;
      const result = await this.link.client.unsafe<Row[]>(text, values, options);
      return { rows: result, command: result.command };
    });
  }

  /** Runs statements without parameters, separated by `;`, in one round trip. The result is the one of the only statement. */
  script(text: string): Promise<Result> {
    return this.inTurn(async () => {
      const result = await this.link.client.unsafe<Row[]>(text).simple();
      return { rows: result, command: result.command };
    });
  }

  /**
   * Sends statements and the commit behind them without waiting in between. A statement that fails makes the server roll
   * back, whose error is thrown; the result is the one of the commit.
   */
  commit(statements: readonly Statement[]): Promise<Result> {
    return this.inTurn(async () => {
      const { client } = this.link;
      const sent = statements.map(({ text, parameters }) =>
        client.unsafe(text, parameters as postgres.ParameterOrJSON<never>[], { prepare: true }).execute(),
      );
      const committed = client.unsafe<Row[]>('commit').simple().execute();
      const [end, ...before] = await Promise.allSettled([committed, ...sent]);
      for (const settled of [...before, end]) if (settled?.status === 'rejected') throw settled.reason;
      const result = await committed;
      return { rows: result, command: result.command };
    });
  }

  /** Ends the connection now; the next lease opens a new one. */
  discard(reason: DatabaseUnavailable): void {
    this.lost ??= reason;
    const given = this.link;
    given.over = true;
    this.link = this.connect();
    void given.client.end({ timeout: 0 }).catch(() => {});
    given.socket?.destroy();
  }

  async end(seconds: number): Promise<void> {
    this.lost = new DatabaseUnavailable('CLOSED', 'the database was closed');
    await this.link.client.end({ timeout: seconds }).catch(() => {});
    this.link.over = true;
    this.link.socket?.destroy();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(() => this.bounded(work));
    this.tail = turn.catch(() => {});
    return turn;
  }

  private async bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.lost) throw this.lost;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new DatabaseTimeout(this.timeoutMs);
        reject(error);
        this.discard(error);
      }, this.timeoutMs);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
