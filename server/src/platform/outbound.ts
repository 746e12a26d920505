import ipaddr from 'ipaddr.js';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { resolveByDns, type Address, type Resolve } from './resolve.ts';

/** Where calls may go that somebody else has chosen the address of. */
export interface OutboundPolicy {
  readonly httpsOnly: boolean;
  /** For development and tests: this machine may be called too. Nothing else that is private may. */
  readonly allowLoopback: boolean;
}

/** The address is none that may be called. Its message says why, and is fit for whoever chose it. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For everything: names, connection, request and answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** The header as it came; null: there was none. */
  readonly retryAfter: string | null;
}

export interface Outbound {
  /** Throws `AddressRefused` for what can be told from the text alone: scheme, credentials, addresses written as numbers. */
  check(url: string): URL;
  /** Posts, and follows no redirect; of the body it reads at most 64 KiB and keeps nothing. */
  post(post: Post): Promise<Answer>;
}

const maxAnswerBytes = 65_536;
/** What is given out for global unicast; everything else of IPv6 is special in some way, or stands for an address of IPv4. */
const globalIpv6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/** Whether an address is one of the open internet. */
function isPublic(text: string, { allowLoopback }: OutboundPolicy): boolean {
  const address = ipaddr.process(text);
  const range = address.range();
  if (range === 'loopback') return allowLoopback;
  if (range !== 'unicast') return false;
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalIpv6);
}

/** Every address of a name is looked at, and the connection goes to these and not to what the name says a moment later. */
export function createOutbound(policy: OutboundPolicy, resolve: Resolve = resolveByDns): Outbound {
  function check(text: string): URL {
    if (!URL.canParse(text)) throw new AddressRefused('is no address');
    const url = new URL(text);
    const schemes = policy.httpsOnly ? ['https:'] : ['https:', 'http:'];
    if (!schemes.includes(url.protocol)) throw new AddressRefused(`must begin with ${schemes.join(' or ')}`);
    if (url.username || url.password) throw new AddressRefused('must hold no password');
    const host = hostOf(url);
    if (isIP(host) && !isPublic(host, policy)) throw new AddressRefused('must not lead into a private network');
    return url;
  }

  async function addressesOf(url: URL): Promise<readonly Address[]> {
    const host = hostOf(url);
    const addresses = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host);
    if (addresses.length === 0 || addresses.some(({ address }) => !isPublic(address, policy)))
      throw new AddressRefused('leads into a private network');
    return addresses;
  }

  return {
    check,
    async post({ url: text, headers, body, timeoutMs, signal: outer }) {
      const url = check(text);
      const controller = new AbortController();
      const { signal } = controller;
      const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      // Not `AbortSignal.any`, whose parts are kept for as long as the outer one.
      const leave = () => controller.abort(new Error('broken off'));
      outer.addEventListener('abort', leave, { once: true });
      if (outer.aborted) leave();
      try {
        const addresses = await untilAborted(addressesOf(url), signal);
        return await send({ url, headers, body, addresses, signal });
      } finally {
        clearTimeout(timer);
        outer.removeEventListener('abort', leave);
      }
    },
  };
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** A lookup cannot be broken off, but nobody has to wait for it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject);
  });
}

interface Sending {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly addresses: readonly Address[];
  readonly signal: AbortSignal;
}

function send({ url, headers, body, addresses, signal }: Sending): Promise<Answer> {
  const pinned: LookupFunction = (_, { all }, done) => {
    const [first] = addresses;
    if (all) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family);
  };
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      // A connection of its own: a kept one might lead to where the name led before.
      agent: false,
      lookup: pinned,
      signal,
      maxHeaderSize: 16_384,
    });
    let answer: Answer | null = null;
    request.once('response', (response) => {
      const head = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] ?? null };
      answer = head;
      drain(response);
      response.once('close', () => resolve(head));
    });
    // Once its head has come, an answer counts, however it ends.
    request.on('error', (error) =>
      answer === null ? reject(signal.aborted ? (signal.reason as Error) : error) : resolve(answer),
    );
    request.end(body);
  });
}

function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) response.destroy();
  });
  response.on('error', () => {});
}
