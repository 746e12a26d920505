import type { RouterOf } from '@olympus/contracts';
import { createTRPCClient, httpSubscriptionLink, type TRPCClientError } from '@trpc/client';
import { EventSource } from 'eventsource';
import { request as httpRequest } from 'node:http';
import superjson from 'superjson';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDate, startTrpc, tokenOf, until, type NoteContracts, type TestServer } from './trpc-testing.ts';

type Router = RouterOf<NoteContracts>;
let server: TestServer;
beforeAll(async () => {
  server = await startTrpc({ pingMs: 100 });
});
afterAll(() => server.close());

const bearer = `Bearer ${tokenOf('owner')}`;

/** A client whose EventSource sends the header, or whose parameters hold the token. */
function clientOf({ header, params }: { header?: string; params?: Record<string, string> }) {
  return createTRPCClient<Router>({
    links: [
      httpSubscriptionLink<Router, typeof EventSource>({
        url: server.url,
        transformer: superjson,
        EventSource,
        ...(params && { connectionParams: params }),
        eventSourceOptions: {
          fetch: (url, init) =>
            fetch(url, { ...init, headers: { ...init.headers, ...(header && { authorization: header }) } }),
        },
      }),
    ],
  });
}

/** Follows a subscription until it completes, fails, or `enough` says so. */
function follow<T>(
  subscribe: (handlers: { onData: (item: T) => void; onError: (error: unknown) => void; onComplete: () => void }) => {
    unsubscribe(): void;
  },
  enough: (items: T[]) => boolean = () => false,
): Promise<{ items: T[]; error: TRPCClientError<Router> | null }> {
  return new Promise((resolve) => {
    const items: T[] = [];
    const end = (error: unknown) => {
      resolve({ items, error: error as TRPCClientError<Router> | null });
      queueMicrotask(() => subscription.unsubscribe());
    };
    const subscription = subscribe({
      onData: (item) => {
        items.push(item);
        if (enough(items)) end(null);
      },
      onError: end,
      onComplete: () => end(null),
    });
  });
}
type FeedItem = { id: string; data: { number: number; at: Date; padding: string } };

describe('stock httpSubscriptionLink', () => {
  it.each([
    ['a token in connectionParams', { params: { token: tokenOf('owner') } }],
    ['an authorization in connectionParams', { params: { authorization: bearer } }],
    ['an Authorization header', { header: bearer }],
  ])('follows tracked events with %s', async (_, credential) => {
    const { items, error } = await follow<FeedItem>((handlers) =>
      clientOf(credential).notes.feed.subscribe({}, handlers),
    );
    expect(error).toBeNull();
    expect(items.map(({ id, data }) => [id, data.number])).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
    ]);
    expect(items[0]?.data.at).toEqual(aDate);
    expect(server.seen.invocations.at(-1)?.caller.protocol).toBe('sse');
  });

  it('resumes from the last event', async () => {
    const client = clientOf({ header: bearer });
    const { items } = await follow<FeedItem>((handlers) =>
      client.notes.feed.subscribe({ lastEventId: '41' }, handlers),
    );
    expect(items.map(({ id }) => id)).toEqual(['42', '43', '44']);
  });

  it('resumes by itself after its connection is lost', async () => {
    const own = await startTrpc();
    try {
      const client = createTRPCClient<Router>({
        links: [
          httpSubscriptionLink<Router, typeof EventSource>({
            url: own.url,
            transformer: superjson,
            EventSource,
            connectionParams: { token: tokenOf('owner') },
          }),
        ],
      });
      const ids: string[] = [];
      const subscription = client.notes.feed.subscribe(
        { count: 2, stay: true },
        { onData: (item) => ids.push((item as FeedItem).id) },
      );
      await until(() => ids.length === 2, 'the first events come');
      own.cut();
      await until(() => ids.length === 4, 'the stream goes on', 8_000);
      expect(ids).toEqual(['1', '2', '3', '4']);
      subscription.unsubscribe();
    } finally {
      await own.close();
    }
  });

  it('follows plain items', async () => {
    const { items } = await follow<number>((handlers) =>
      clientOf({ header: bearer }).notes.count.subscribe({ to: 3 }, handlers),
    );
    expect(items).toEqual([1, 2, 3]);
  });

  it.each([
    ['strangers', {}, 'UNAUTHENTICATED', 401],
    ['bad tokens', { params: { token: 'nonsense' } }, 'UNAUTHENTICATED', 401],
  ])('tells %s what is missing, in the shape of every failure', async (_, credential, code, httpStatus) => {
    const { error } = await follow((handlers) => clientOf(credential).notes.feed.subscribe({}, handlers));
    expect(error?.data).toMatchObject({ httpStatus, path: 'notes.feed', failure: { code, errors: [], data: null } });
    expect(error?.data?.failure.requestId).toMatch(/./);
  });

  it('tells failures of input', async () => {
    const { error } = await follow((handlers) =>
      clientOf({ header: bearer }).notes.count.subscribe({ to: 1.5 }, handlers),
    );
    expect(error?.data?.failure).toMatchObject({ code: 'INVALID_INPUT', errors: [{ field: 'to' }] });
  });

  it('ends with its subscriber', async () => {
    const { items } = await follow<FeedItem>(
      (handlers) => clientOf({ header: bearer }).notes.feed.subscribe({ count: 1, stay: true }, handlers),
      () => true,
    );
    expect(items).toHaveLength(1);
    await until(() => server.seen.following === 0, 'the subscription has ended');
  });
});

/** What a bare request is answered with until `enough`, or the end. */
async function eventsOf(
  path: string,
  headers: Record<string, string>,
  enough: (text: string) => boolean = () => false,
) {
  let text = '';
  const request = httpRequest(`${server.url}/${path}`, { headers });
  request.end();
  await new Promise<void>((resolve) => {
    request.on('response', (response) => {
      response.on('data', (chunk) => {
        text += String(chunk);
        if (enough(text)) request.destroy();
      });
      response.on('close', resolve);
    });
    request.on('error', () => resolve());
  });
  return text;
}
const inputOf = (value: object) => `input=${encodeURIComponent(JSON.stringify({ json: value }))}`;

describe('the stream of events', () => {
  it('is resumed by the Last-Event-ID header, as browsers send it', async () => {
    const text = await eventsOf(`notes.feed?${inputOf({ count: 1 })}`, { authorization: bearer, 'last-event-id': '6' });
    expect(text).toMatch(/^event: connected\n/);
    expect(text).toContain('id: 7\n');
  });

  it('shows that it lives while nothing happens', async () => {
    const text = await eventsOf(`notes.feed?${inputOf({ count: 0, stay: true })}`, { authorization: bearer }, (sofar) =>
      sofar.includes('event: ping'),
    );
    expect(text).toContain('event: ping');
  });

  it('ends when the credential expires', async () => {
    const own = await startTrpc();
    const start = Date.now();
    const response = await fetch(`${own.url}/notes.feed?${inputOf({ count: 1, stay: true })}`, {
      headers: { authorization: `Bearer ${tokenOf('owner', 400)}` },
    });
    expect(await response.text()).toMatch(/event: serialized-error\ndata: .*"UNAUTHENTICATED"/);
    expect(Date.now() - start).toBeGreaterThan(300);
    expect(Date.now() - start).toBeLessThan(2_500);
    await own.close();
  });

  it('ends when the session ends', async () => {
    const token = tokenOf('owner', 500_000);
    const response = await fetch(`${server.url}/notes.feed?${inputOf({ count: 1, stay: true })}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    server.revoke(token);
    expect(await response.text()).toMatch(/event: serialized-error\ndata: .*The session has ended/);
  });

  it('is cut when the server winds down, without an end that readers would take for good', async () => {
    const own = await startTrpc();
    const path = `${own.url}/notes.feed?${inputOf({ count: 1, stay: true })}`;
    const response = await fetch(path, { headers: { authorization: bearer } });
    await until(() => own.seen.following === 1, 'it is followed');
    own.closing.abort();
    await expect(response.text()).rejects.toThrow('terminated');
    await until(() => own.seen.following === 0, 'nothing is left');
    await expect(fetch(path, { headers: { authorization: bearer } })).rejects.toThrow('fetch failed');
    await own.close();
  });

  it('masks unexpected failures', async () => {
    const text = await eventsOf(`notes.count?${inputOf({ to: 1, failWith: 'error' })}`, { authorization: bearer });
    expect(text).toContain('"INTERNAL"');
    expect(text).not.toMatch(/password|stack/);
  });

  it.each([
    ['connectionParams that are no JSON', 'connectionParams=%7B', /connectionParams: must be valid JSON/],
    ['connectionParams that are no object', 'connectionParams=7', /connectionParams: must be an object/],
    [
      'a token that is no text',
      'connectionParams=%7B%22token%22%3A7%7D',
      /connectionParams: must be an object with a token/,
    ],
  ])('refuses %s', async (_, query, message) => {
    const response = await fetch(`${server.url}/notes.feed?${query}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(message);
  });
});

describe('a poll for events', () => {
  const poll = async (input: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}/notes.feed?${inputOf(input)}`, {
      headers: { authorization: bearer, accept: 'application/json', ...headers },
    });
    return { status: response.status, body: (await response.json()) as { result?: { data: unknown } } };
  };

  it('is answered with events as streams encode them, and the id to go on from', async () => {
    const { body } = await poll({ count: 2, stay: true });
    const { json } = body.result!.data as { json: { events: { json: { id: string } }[]; lastEventId: string } };
    expect(json.events.map((event) => event.json.id)).toEqual(['1', '2']);
    expect(json.lastEventId).toBe('2');
    const next = await poll({ count: 0, stay: true, lastEventId: '2' }, { prefer: 'wait=0' });
    expect(next.body.result?.data).toEqual({ json: { events: [], lastEventId: '2' } });
  });

  it('is refused like a stream', async () => {
    expect((await poll({ count: 1 }, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await poll({ count: 'x' })).status).toBe(400);
  });

  it('that nobody waits for any more ends', async () => {
    const leaving = new AbortController();
    const waiting = fetch(`${server.url}/notes.feed?${inputOf({ count: 0, stay: true })}`, {
      headers: { authorization: bearer, accept: 'application/json' },
      signal: leaving.signal,
    });
    await until(() => server.seen.following === 1, 'it is followed');
    leaving.abort();
    await expect(waiting).rejects.toThrow('aborted');
    await until(() => server.seen.following === 0, 'nothing is left');
  });
});
