import type { PGlite } from '@electric-sql/pglite';
import type { Pulse } from './pulse.ts';
import { eachFrame, idle, messageType, readText } from './wire.ts';

export interface Outcome {
  /** True when the session is in no transaction and waits for nothing more of this client. */
  idle: boolean;
  /** True when a statement changed settings of the session that outlive a transaction. */
  changedSession: boolean;
  /** The last error's message, if the server sent one. */
  error: string | undefined;
}

export type Notify = (channel: string, message: Buffer) => void;

const slab = 64 * 1024;
const sessionCommands = /^(?:SET|RESET|DISCARD)\b/;

/** The one session of the embedded server: takes messages, answers with messages, synchronously. */
export class Backend {
  private readonly db: PGlite;
  private readonly pulse: Pulse;
  private readonly notify: Notify;

  constructor(db: PGlite, pulse: Pulse, notify: Notify) {
    this.db = db;
    this.pulse = pulse;
    this.notify = notify;
  }

  /** Runs `messages` and hands the answer to `write` in slabs. `limitMs` is the watchdog's. */
  run(messages: Buffer, write: (bytes: Buffer) => void, limitMs: number): Outcome {
    const outcome: Outcome = { idle: false, changedSession: false, error: undefined };
    const answer = new Answer(outcome, write, this.notify);
    this.pulse.begin(limitMs);
    try {
      // The stream variant, because the others parse and keep every message. It works before it returns its promise.
      this.db
        .execProtocolRawStream(messages, { syncToFs: false, onRawData: (bytes) => answer.add(bytes) })
        .catch((error: unknown) => {
          outcome.error ??= String(error);
        });
    } finally {
      this.pulse.end();
    }
    answer.flush();
    outcome.idle &&= !this.db.isInTransaction();
    return outcome;
  }
}

/** Collects the answer, takes notifications out of it, and passes whole messages on. */
class Answer {
  private readonly outcome: Outcome;
  private readonly write: (bytes: Buffer) => void;
  private readonly notify: Notify;
  private buffer = Buffer.allocUnsafe(slab);
  private length = 0;

  constructor(outcome: Outcome, write: (bytes: Buffer) => void, notify: Notify) {
    this.outcome = outcome;
    this.write = write;
    this.notify = notify;
  }

  /** `bytes` is memory of the server, valid during this call only. */
  add(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.buffer.length) {
      this.flush();
      const needed = this.length + bytes.length;
      if (needed > this.buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
        this.buffer.copy(larger, 0, 0, this.length);
        this.buffer = larger;
      }
    }
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  flush(): void {
    const bytes = this.buffer.subarray(0, this.length);
    let from = 0;
    const rest = eachFrame(bytes, (message, type, at) => {
      if (type === messageType.notification) {
        if (at > from) this.write(bytes.subarray(from, at));
        from = at + message.length;
        this.notify(readText(message, 9), Buffer.from(message));
      } else {
        this.learn(message, type);
      }
    });
    if (rest > from) this.write(bytes.subarray(from, rest));
    this.buffer.copyWithin(0, rest, this.length);
    this.length -= rest;
  }

  private learn(message: Buffer, type: number): void {
    if (type === messageType.readyForQuery) this.outcome.idle = message[5] === idle;
    else if (type === messageType.commandComplete)
      this.outcome.changedSession ||= sessionCommands.test(readText(message, 5));
    else if (type === messageType.error) this.outcome.error = errorMessage(message);
  }
}

function errorMessage(message: Buffer): string {
  for (const field of message.toString('utf8', 5).split('\0')) if (field.startsWith('M')) return field.slice(1);
  return 'unknown error';
}
