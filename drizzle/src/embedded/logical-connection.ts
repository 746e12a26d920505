import type { Outcome } from './backend.ts';
import { checkUnit, learnUnit, unitEnd, type UnitNotes } from './unit.ts';
import * as wire from './wire.ts';

/** The other end of a logical connection. */
export interface Peer {
  write(bytes: Buffer): void;
  end(): void;
}

export interface Host {
  request(connection: LogicalConnection): void;
  welcome(connection: LogicalConnection): void;
  run(connection: LogicalConnection, unit: Buffer): Outcome;
  unlistened(channels: Iterable<string>): void;
  detach(connection: LogicalConnection): void;
}

const defaultStatementTimeoutMs = 30_000;
const defaultIdleTransactionMs = 30_000;

/** Startup settings that are not passed on to the session: the gateway or the handshake has dealt with them. */
const ownSettings = new Set([
  'user',
  'database',
  'client_encoding',
  'options',
  'replication',
  'role',
  'statement_timeout',
  'idle_in_transaction_session_timeout',
]);
const settingName = /^[a-z_][a-z0-9_.]*$/i;

export class LogicalConnection {
  readonly id: number;
  readonly peer: Peer;
  /** Names of its prepared statements, which live in the shared session. */
  readonly statements = new Set<string>();
  readonly channels = new Set<string>();
  /** The script that gives a session this connection's role and settings. */
  profile = '';
  statementTimeoutMs = defaultStatementTimeoutMs;
  private readonly host: Host;
  private input: Buffer = Buffer.alloc(0);
  private phase: 'startup' | 'admission' | 'ready' | 'closed' = 'startup';
  private idleTransactionMs = defaultIdleTransactionMs;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(id: number, peer: Peer, host: Host) {
    this.id = id;
    this.peer = peer;
    this.host = host;
  }

  receive(bytes: Uint8Array): void {
    if (this.phase === 'closed') return;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]);
    if (this.phase === 'startup') this.start();
    if (this.hasUnit()) this.host.request(this);
  }

  hasUnit(): boolean {
    return this.phase === 'admission' || (this.phase === 'ready' && unitEnd(this.input) !== undefined);
  }

  /** Runs the next unit. Returns true when the session may go to another connection. */
  advance(): boolean {
    clearTimeout(this.idleTimer);
    if (this.phase === 'admission') {
      this.phase = 'ready';
      this.host.welcome(this);
      return true;
    }
    const unit = this.input.subarray(0, unitEnd(this.input));
    this.input = this.input.subarray(unit.length);
    if (unit[0] === wire.messageType.terminate) {
      this.end();
      return true;
    }
    const notes = learnUnit(unit);
    const outcome = this.host.run(this, checkUnit(unit));
    this.apply(notes, outcome);
    if (!outcome.idle) {
      const tooLong = (): void => this.end('terminating connection due to idle-in-transaction timeout', '25P03');
      this.idleTimer = setTimeout(tooLong, this.idleTransactionMs);
    }
    return outcome.idle;
  }

  /** Ends the connection from this side, with the reason if there is one. */
  end(reason?: string, code = '08006'): void {
    if (reason !== undefined) this.peer.write(wire.error('FATAL', code, reason));
    this.host.detach(this);
    this.peer.end();
  }

  closed(): void {
    this.phase = 'closed';
    this.input = Buffer.alloc(0);
    clearTimeout(this.idleTimer);
  }

  private start(): void {
    for (;;) {
      if (this.input.length < 8) return;
      const length = this.input.readInt32BE(0);
      const code = this.input.readInt32BE(4);
      if (this.input.length < length) return;
      const packet = this.input.subarray(0, length);
      this.input = this.input.subarray(length);
      if (code === wire.startupCode.ssl || code === wire.startupCode.gss) {
        this.peer.write(Buffer.from('N'));
      } else if (code === wire.startupCode.protocol3) {
        this.configure(wire.readStartup(packet));
        this.phase = 'admission';
        return;
      } else {
        // Cancelling is best-effort by the protocol, and the session cannot be reached while it runs a statement.
        this.end();
        return;
      }
    }
  }

  private configure(settings: Map<string, string>): void {
    this.statementTimeoutMs = readMs(settings.get('statement_timeout'), defaultStatementTimeoutMs);
    this.idleTransactionMs = readMs(settings.get('idle_in_transaction_session_timeout'), defaultIdleTransactionMs);
    const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;
    const script: string[] = [];
    for (const [name, value] of settings) {
      if (!ownSettings.has(name) && settingName.test(name)) script.push(`set ${name} = ${literal(value)}`);
    }
    const role = settings.get('role');
    if (role !== undefined) script.push(`set role ${literal(role)}`);
    this.profile = script.join('; ');
  }

  private apply(notes: UnitNotes, outcome: Outcome): void {
    for (const name of notes.prepared) this.statements.add(name);
    for (const name of notes.closed) this.statements.delete(name);
    if (outcome.error !== undefined) return;
    for (const channel of notes.listen) this.channels.add(channel);
    const ended = notes.unlisten.includes('*') ? [...this.channels] : notes.unlisten;
    for (const channel of ended) this.channels.delete(channel);
    this.host.unlistened(ended);
  }
}

function readMs(value: string | undefined, otherwise: number): number {
  const milliseconds = Number(value);
  return value === undefined || !Number.isFinite(milliseconds) ? otherwise : milliseconds;
}
