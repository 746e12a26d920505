import type { Backend, Outcome } from './backend.ts';
import { LogicalConnection, type Peer } from './logical-connection.ts';
import * as wire from './wire.ts';

const internalLimitMs = 30_000;

/**
 * Many logical connections over the one session. A connection owns the session from its first message until the session
 * is idle again, so transactions never mix; the others wait in a row. What a session keeps is put right when the owner
 * changes: role and settings are set anew, prepared statements are closed with their connection.
 */
export class Gateway {
  private readonly backend: Backend;
  private readonly connections = new Set<LogicalConnection>();
  private readonly row: LogicalConnection[] = [];
  private readonly parameters: Record<string, string>;
  private owner: LogicalConnection | undefined;
  /** Settings that the session has now; undefined after a client changed them. */
  private profile: string | undefined = '';
  /** Prepared statements of connections that ended. */
  private readonly leftovers: string[] = [];
  private scheduled = false;
  private lastId = 0;

  constructor(
    createBackend: (notify: (channel: string, message: Buffer) => void) => Backend,
    parameters: Record<string, string>,
  ) {
    this.parameters = parameters;
    this.backend = createBackend((channel, message) => {
      for (const connection of this.connections) if (connection.channels.has(channel)) connection.peer.write(message);
    });
  }

  attach(peer: Peer): LogicalConnection {
    const connection = new LogicalConnection(++this.lastId, peer, this);
    this.connections.add(connection);
    return connection;
  }

  /** `connection` has something to run. */
  request(connection: LogicalConnection): void {
    if (connection !== this.owner && !this.row.includes(connection)) this.row.push(connection);
    this.schedule();
  }

  welcome(connection: LogicalConnection): void {
    connection.peer.write(wire.welcome(this.parameters, connection.id));
  }

  /** Runs a unit of `connection`'s messages, which ends with Sync, Query or Flush. */
  run(connection: LogicalConnection, unit: Buffer): Outcome {
    const outcome = this.backend.run(unit, (bytes) => connection.peer.write(bytes), connection.statementTimeoutMs);
    if (outcome.changedSession) this.profile = undefined;
    return outcome;
  }

  /** Listening belongs to the session: when one connection stops, the others must not. */
  unlistened(channels: Iterable<string>): void {
    for (const channel of channels) {
      const wanted = [...this.connections].some((connection) => connection.channels.has(channel));
      if (wanted) this.internal(wire.query(`listen "${channel.replaceAll('"', '""')}"`));
    }
  }

  /** Undoes what a connection left behind when it ends, at any moment of its life. */
  detach(connection: LogicalConnection): void {
    if (!this.connections.delete(connection)) return;
    const waiting = this.row.indexOf(connection);
    if (waiting >= 0) this.row.splice(waiting, 1);
    if (this.owner === connection) {
      this.internal(wire.sync);
      this.internal(wire.query('rollback'));
      this.owner = undefined;
    }
    connection.closed();
    this.leftovers.push(...connection.statements);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // Between two units the event loop may take in the messages of the other connections.
    setImmediate(() => {
      this.scheduled = false;
      this.step();
    });
  }

  private step(): void {
    if (!this.owner && this.leftovers.length > 0) {
      this.internal(Buffer.concat([...this.leftovers.splice(0).map(wire.closeStatement), wire.sync]));
    }
    const connection = this.owner ?? this.row.shift();
    if (connection?.hasUnit()) this.advance(connection);
    if (this.owner ? this.owner.hasUnit() : this.row.length > 0 || this.leftovers.length > 0) this.schedule();
  }

  private advance(connection: LogicalConnection): void {
    if (this.owner !== connection) {
      const problem = this.adopt(connection);
      if (problem !== undefined) {
        connection.end(problem, '22023');
        return;
      }
      this.owner = connection;
    }
    const idle = connection.advance();
    if (!idle || this.owner !== connection) return;
    this.owner = undefined;
    if (connection.hasUnit()) this.row.push(connection);
  }

  /** Gives the session the settings of `connection`. Returns what was wrong with them. */
  private adopt(connection: LogicalConnection): string | undefined {
    if (this.profile === connection.profile) return undefined;
    const reset = this.profile === '' ? '' : 'reset all; reset role; ';
    const { error } = this.internal(wire.query(`${reset}${connection.profile}`));
    this.profile = error === undefined ? connection.profile : undefined;
    return error;
  }

  private internal(messages: Buffer): Outcome {
    return this.backend.run(messages, () => {}, internalLimitMs);
  }
}
