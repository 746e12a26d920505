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
  /** Called when no connection can be had, and the socket is given up; without it, it is tried for ever. */
  readonly onBlocked?: () => void;
}

// What the server closes with when the credential has expired or none came.
const unauthenticated = 4401;
const leastRenewalMs = 1_000;

const openMs = 10_000;

/** Openings that fail in a row before the socket is given up, where there is another way. */
const mostFailures = 2;
/** Milliseconds. */
const settledMs = 1_000;
const spreadMessage = '{"id":null,"method":"spread"';

/**
 * Gives up a socket that does not open, since a connection may be dead without a word. `onSpread` is told the milliseconds
 * over which the server asks all its clients to come back, should they lose it together.
 */
const watched = (Base: typeof WebSocket, onSpread: (ms: number) => void): typeof WebSocket =>
  class extends Base {
    constructor(...how: ConstructorParameters<typeof WebSocket>) {
      super(...how);
      const timer = setTimeout(() => this.close(), openMs);
      for (const type of ['open', 'close']) this.addEventListener(type, () => clearTimeout(timer));
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && data.startsWith(spreadMessage))
          onSpread((JSON.parse(data) as { params: { ms: number } }).params.ms);
      });
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
  #openedAt = 0;
  #spreadMs = 0;
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
    this.#failures = 0;
  }

  /** Milliseconds until the next try to open. */
  #delay(): number {
    const { onBlocked } = this.#options;
    // One that has stood for a while was no failure, whether its streams had to begin anew or only moved to it.
    if (this.#openedAt && Date.now() - this.#openedAt > settledMs) this.#failures = 0;
    this.#openedAt = 0;
    const failures = this.#failures++;
    if (onBlocked && failures >= mostFailures)
      queueMicrotask(() => {
        onBlocked();
        this.close();
      });
    // Asked to move while all is well, it need not wait: the server asks one after another.
    const isLost = this.#client?.connection?.state !== 'open';
    return backoff(failures) + (isLost && !failures ? Math.random() * this.#spreadMs : 0);
  }

  #connect(): TRPCWebSocketClient {
    const { url, WebSocket } = this.#options;
    return createWSClient({
      url,
      WebSocket: watched(WebSocket, (ms) => (this.#spreadMs = ms)),
      connectionParams: async () => {
        this.#token = await this.#credential();
        return this.#token ? { token: this.#token } : null;
      },
      lazy: { enabled: true, closeMs: 1_000 },
      keepAlive: { enabled: true, intervalMs: 25_000, pongTimeoutMs: 10_000 },
      retryDelayMs: () => this.#delay(),
      onOpen: () => {
        this.#openedAt = Date.now();
        void this.#scheduleRenewal();
      },
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
