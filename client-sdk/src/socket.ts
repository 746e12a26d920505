import { createWSClient, wsLink, type OperationLink, type TRPCLink, type TRPCWebSocketClient } from '@trpc/client';
import { tap } from '@trpc/server/observable';
import superjson from 'superjson';
import type { OlympusRouter } from './procedures.ts';
import { backoff } from './retry.ts';
import type { Credentials } from './credentials.ts';

interface SocketOptions {
  readonly url: string;
  readonly keeper: Credentials;
  readonly WebSocket: typeof WebSocket;
}

// What the server closes with when the credential has expired or none came.
const unauthenticated = 4401;
const leastRenewalMs = 1_000;

const openMs = 10_000;

/** Gives up a socket that does not open, since a connection may be dead without a word. */
const impatient = (Base: typeof WebSocket): typeof WebSocket =>
  class extends Base {
    constructor(...how: ConstructorParameters<typeof WebSocket>) {
      super(...how);
      const timer = setTimeout(() => this.close(), openMs);
      for (const type of ['open', 'close']) this.addEventListener(type, () => clearTimeout(timer));
    }
  };

/** One socket for all subscriptions, opened when needed and renewed with the session that it belongs to. */
export class Socket {
  readonly #options: SocketOptions;
  #client: TRPCWebSocketClient | null = null;
  #link: OperationLink<OlympusRouter> | null = null;
  #token: string | null = null;
  #refused: string | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
    options.keeper.onChange(({ token, ended }) => {
      // After the subscriptions have been told why.
      if (ended) queueMicrotask(() => this.close());
      else if (token) this.#renew(token);
    });
  }

  /** The token that the server knows the socket by. */
  get token(): string | null {
    return this.#token;
  }

  readonly link: TRPCLink<OlympusRouter> = (runtime) => (call) => {
    this.#client ??= this.#connect();
    this.#link ??= wsLink<OlympusRouter>({ client: this.#client, transformer: superjson })(runtime);
    return this.#link(call).pipe(
      tap({
        next: ({ result }) => {
          if (result.type === 'started') this.#failures = 0;
        },
      }),
    );
  };

  close(): void {
    clearTimeout(this.#timer);
    void this.#client?.close();
    this.#client = null;
    this.#link = null;
    this.#token = null;
  }

  #connect(): TRPCWebSocketClient {
    const { url, WebSocket } = this.#options;
    return createWSClient({
      url,
      WebSocket: impatient(WebSocket),
      connectionParams: async () => {
        this.#token = await this.#credential();
        return this.#token ? { token: this.#token } : null;
      },
      lazy: { enabled: true, closeMs: 1_000 },
      keepAlive: { enabled: true, intervalMs: 25_000, pongTimeoutMs: 10_000 },
      retryDelayMs: () => backoff(this.#failures++),
      onOpen: () => void this.#scheduleRenewal(),
      onClose: (event) => {
        clearTimeout(this.#timer);
        if (event?.code === unauthenticated) this.#refused = this.#token;
      },
    });
  }

  async #credential(): Promise<string | null> {
    const { keeper } = this.#options;
    const token = await keeper.token();
    if (token === null || token !== this.#refused) return token;
    await keeper.renew(token);
    return keeper.token();
  }

  /** Tells the open socket of the new token, before the server closes it for the old one. */
  #renew(token: string): void {
    const open = this.#client?.connection;
    if (open?.state !== 'open') return;
    open.ws.send(JSON.stringify({ method: 'connectionParams', data: { token } }));
    this.#token = token;
    void this.#scheduleRenewal();
  }

  async #scheduleRenewal(): Promise<void> {
    const { keeper } = this.#options;
    const due = await keeper.renewalIn();
    clearTimeout(this.#timer);
    if (due === null || !this.#client) return;
    // A renewal tells `onChange`, and so `#renew`; one that failed is tried again.
    const renew = () =>
      keeper.token().then(
        () => this.#scheduleRenewal(),
        () => this.#scheduleRenewal(),
      );
    this.#timer = setTimeout(renew, Math.min(Math.max(due, leastRenewalMs), 2 ** 31 - 1));
  }
}
