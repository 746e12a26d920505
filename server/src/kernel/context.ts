import type { Permission, RateClass, Role } from '@olympus/contracts';
import type { Db, InTransaction } from '@olympus/database';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Procedure } from './implement.ts';

export type Protocol = 'trpc-http' | 'trpc-ws' | 'sse' | 'rest' | 'rabbitmq' | 'nats' | 'kafka';

/** Who calls, as the credential says. */
export interface Principal {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  readonly permissions: ReadonlySet<Permission>;
  /** What is held back until the user has verified their address; absent: nothing. */
  readonly heldBack?: ReadonlySet<Permission>;
  /** The sign-in that the credential descends from; null for one that is no session's. */
  readonly sessionId: string | null;
  /** The API key that is the credential; null for a user's own. */
  readonly apiKeyId: string | null;
  /** Calls a second that the credential allows, beside the limits of each class; null: no limit of its own. */
  readonly callsPerSecond: number | null;
  /** The locations whose orders the principal is kept to; null: all of the tenant. */
  readonly locationIds: ReadonlySet<string> | null;
  /** The platform's user who acts as this one, and why; null: the user themself. */
  readonly actor: { readonly userId: string; readonly reason: string } | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly timeZone: string;
  readonly currency: string;
}

/** Where calls come from: one request, or one socket with many calls. */
export interface Caller {
  readonly protocol: Protocol;
  readonly requestId: string;
  /** W3C trace id, 32 hexadecimal digits. */
  readonly traceId: string;
  /** Address of the client, as the trusted proxies tell it. */
  readonly address: string;
  /** Bearer token; null when none was sent. */
  readonly credential: string | null;
  /** What the client says it is; absent where it says nothing. */
  readonly userAgent?: string | undefined;
  /** Kept by the authenticate step, so that a batch or a socket resolves its credential once. */
  principal?: Promise<Principal>;
}

/** Bytes that are streamed into a call. */
export interface Upload {
  readonly mediaType: string;
  readonly stream: AsyncIterable<Uint8Array>;
  /** Of a multipart body: its one file, once the head of its part has come. Then `stream` is not to be read. */
  readonly file?: () => Promise<Upload>;
}

/** Stored bytes that a call answers with, where its protocol carries bytes. */
export interface Content {
  readonly mediaType: string;
  readonly bytes: number;
  /** Strong: another content has another one. Without quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  /** A name to save it under. */
  readonly name: string;
  /** Opens the bytes from `start` to `end`, both included. */
  read(range: { start: number; end: number }): Promise<Readable>;
}

/** What is counted: a class of calls, all calls of an address, of a tenant, or of an API key. */
export type RatePolicy = RateClass | 'address' | 'tenant' | 'apiKey';

/** What the steps tell the transport about a call, beside its value. */
export interface Notes {
  rateLimit?: {
    readonly policy: RatePolicy;
    readonly limit: number;
    readonly windowSeconds: number;
    readonly remaining: number;
    readonly resetSeconds: number;
  };
  /** The bytes that the answer stands for. */
  content?: Content;
  /** The answer is the kept one of an earlier call with the same key. */
  replayed?: boolean;
}

/** What a handler tells the audit log of its call, beside what the kernel knows. */
export interface Recorded {
  /** The resource as it was and as it is now. Only the fields that differ are kept, without secrets. */
  readonly before?: object;
  readonly after?: object;
  /** Whom a public call was about. A failed one is kept too, once this is told. */
  readonly subject?: { readonly tenantId: string; readonly userId: string };
}

/** One call on its way through the steps, which fill in what they find out. */
export interface Call {
  readonly procedure: Procedure;
  readonly caller: Caller;
  readonly idempotencyKey: string | null;
  readonly upload: Upload | null;
  readonly notes: Notes;
  signal: AbortSignal;
  input: unknown;
  principal: Principal | null;
  db: Db | null;
  /** Tags whose cached answers the call has made stale; dropped once its transaction commits. */
  readonly stale: Set<string>;
  /** The class that the call counts in, instead of its contract's. */
  readonly rate?: RateClass;
  /** Whether the call has come to be counted by the rate limits. */
  counted: boolean;
  /** For the audit log, as the handler told it. */
  recorded: Recorded;
  /** Whether the answer may be cached, where its contract says so. */
  keep: boolean;
}

/** Runs short transactions of the caller's tenant, for handlers that keep their own unit of work. */
export type Transaction = <T>(work: (tx: TransactionContext<InTransaction<Db>>) => Promise<T>) => Promise<T>;

/** What an event is written with: the transaction that changes the state it tells of. */
export interface TransactionContext<B extends Db = Db> {
  readonly db: B;
  readonly clock: Clock;
  readonly requestId: string;
  readonly stale: Set<string>;
}

/** What a handler is given beside its input. */
export interface Context<P extends Principal | null = Principal, B extends Db = Db> extends TransactionContext<B> {
  readonly principal: P;
  /** In a mutation, its transaction; otherwise single statements. Bound to the caller's tenant either way. */
  readonly db: B;
  readonly transaction: Transaction;
  /** Answers with bytes where the protocol carries them, as contracts with `serves` promise; others have the value. */
  readonly serve: (content: Content) => void;
  /** Says that this answer must not be cached, since the next one may be better. */
  readonly keepNoAnswer: () => void;
  /** Tells the audit log more of this call; what is told twice counts as told last. */
  readonly record: (facts: Recorded) => void;
  readonly ids: Ids;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly caller: Caller;
  readonly upload: Upload | null;
}
