/** Bounds of the tRPC protocols: bytes, milliseconds and counts. */
export interface TrpcLimits {
  /** Bytes of a request's address: query inputs travel in it. */
  readonly urlBytes: number;
  /** Bytes of a body, and of a WebSocket message. */
  readonly bodyBytes: number;
  /** Calls in one HTTP request. */
  readonly batchCalls: number;
  /** Calls in one WebSocket message. Not below `socketSubscriptions`: a client that reconnects resumes all of them in one. */
  readonly messageCalls: number;
  /** Subscriptions open at once on a socket. */
  readonly socketSubscriptions: number;
  /** Calls of any kind under way at once on a socket. */
  readonly socketCalls: number;
  /** Messages and calls that a socket may send in a second; more are a flood. */
  readonly socketMessagesPerSecond: number;
  /** How long a socket may stay without a credential; where a call of it is under way then, as long again. */
  readonly authDeadlineMs: number;
  /** Silence after which the other side is asked whether it is still there; one more without an answer ends it. */
  readonly pingMs: number;
  /** Subscriptions are handed nothing while more bytes than these wait to be read. */
  readonly softBufferBytes: number;
  /** A reader with more than these waiting is let go, */
  readonly hardBufferBytes: number;
  /** and so is one that has taken nothing for this long. */
  readonly stalledMs: number;
  /** How long clients may take to leave when the process drains. */
  readonly drainMs: number;
  /** How often open sockets and streams are looked at. */
  readonly sweepMs: number;
}

export const defaultTrpcLimits: TrpcLimits = {
  urlBytes: 16 * 1024,
  bodyBytes: 256 * 1024,
  batchCalls: 100,
  messageCalls: 128,
  socketSubscriptions: 128,
  socketCalls: 256,
  socketMessagesPerSecond: 1_000,
  authDeadlineMs: 10_000,
  pingMs: 30_000,
  softBufferBytes: 64 * 1024,
  hardBufferBytes: 1024 * 1024,
  stalledMs: 10_000,
  drainMs: 10_000,
  sweepMs: 1_000,
};
