import type { ApiKeySource } from './api-key.ts';
import type { Fetch, HeaderSource } from './endpoint.ts';
import type { OlympusError } from './failure.ts';
import type { BatchOptions } from './http.ts';
import type { SessionStore } from './session.ts';

export interface OlympusOptions {
  /** Where the server is, such as `https://api.example.com`. In a browser also a path, such as `/`. */
  url: string | URL;
  /** Where the session is kept. Default: memory. `storedSession(localStorage)` keeps it across visits. */
  session?: SessionStore | undefined;
  /**
   * Signs every call, and the WebSocket, with an API key instead of a session. A function is asked for each request, so that
   * it may tell a rotated key. For programs that run on machines of yours: whoever has the key may use it.
   */
  apiKey?: ApiKeySource | undefined;
  /** The session or API key was refused, as when it was revoked; a session has been dropped already. Not called by a logout. */
  onSessionEnd?: ((error: OlympusError) => void) | undefined;
  transport?: {
    /**
     * How live updates come: `ws`, one WebSocket for all; `sse`, a stream of events each; `poll`, one request after
     * another. Default: the first of them that gets through, where there is a WebSocket.
     */
    subscriptions?: 'ws' | 'sse' | 'poll';
  };
  /** Milliseconds for a call, its retries included; 0 for no limit. Default: 30,000. */
  timeoutMs?: number | undefined;
  /** How often a call that failed in passing is tried again. Default: 3. */
  retries?: number | undefined;
  /** Calls of one tick share a request. `false` sends each alone. */
  batch?: boolean | BatchOptions | undefined;
  /** Sent with every HTTP request. */
  headers?: HeaderSource | undefined;
  /** Instead of the global one. */
  fetch?: Fetch | undefined;
  /** Instead of the global one, which Node 20 lacks: `import { WebSocket } from 'ws'`. */
  WebSocket?: WebSocketClass | undefined;
}

/** A `WebSocket` class: the platform's own, or that of the `ws` package. */
export type WebSocketClass = new (url: string) => object;
