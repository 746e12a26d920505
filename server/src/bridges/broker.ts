/** An event as any broker gets it. */
export interface OutgoingEvent {
  /** The event's own, the same at every attempt and by every bridge. */
  readonly id: string;
  readonly tenantId: string;
  readonly type: string;
  /** What order is kept for; null: nothing. */
  readonly subjectId: string | null;
  /** Attributes of CloudEvents 1.0, without prefix; `datacontenttype` is among them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Why a command is given up. */
export interface Refusal {
  /** Of the registry of errors. */
  readonly code: string;
  readonly detail: string;
}

/** A command that a broker has delivered and that is neither done nor buried yet. */
export interface IncomingCommand {
  /** What tells a redelivery from another command; null where its sender gave it no id and the broker knows none. */
  readonly id: string | null;
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  /** How often it has been delivered, from 1, as far as the broker counts. */
  readonly deliveries: number;
  /** Sends an answer to where its sender wants it; null: it wants none, or names a place that is not allowed. */
  readonly answer: ((body: Buffer, contentType: string) => Promise<void>) | null;
  /** Tells the broker that it is carried out. */
  done(): Promise<void>;
  /** Puts it among dead letters with the reason, then takes it off the queue. */
  bury(refusal: Refusal): Promise<void>;
  /** Gives it back, for whoever takes it next. */
  release(): void;
}

/** Takes commands until it is told to stop. */
export interface Intake {
  /** Nothing further is handed over once it resolves; what was can still be settled. */
  stop(): Promise<void>;
}

/** One connection to a broker, good until `closed`. */
export interface Session {
  /** Whether events may be published: a broker that is short of memory or disk says no. */
  readonly ready: boolean;
  /** Resolves with the reason once the connection is gone, for whatever reason; null: we closed it. Never rejects. */
  readonly closed: Promise<unknown>;
  /** Resolves when the broker has it for good. */
  publish(event: OutgoingEvent): Promise<void>;
  /** Begins to take commands. */
  take(handle: (command: IncomingCommand) => Promise<void>): Promise<Intake>;
  close(): Promise<void>;
}

/** Connects, and makes or finds what is named in the settings. */
export type Connect = () => Promise<Session>;

/** An event that no queue waits for. */
export class Unroutable extends Error {
  override readonly name = 'Unroutable';
}

/** Settles once; nobody has to wait for it. */
export function createEnd(): { readonly closed: Promise<unknown>; readonly end: (reason: unknown) => void } {
  let end: (reason: unknown) => void = () => {};
  const closed = new Promise<unknown>((resolve) => (end = resolve));
  return { closed, end };
}

/** Rejects where `work` takes longer. */
export async function within<T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether answers may be sent there. */
export const mayAnswer = (place: string | undefined, beginnings: readonly string[]): place is string =>
  place !== undefined && beginnings.some((beginning) => place.startsWith(beginning));
