import { createOutbox, createOlympus, storedOutbox, type Olympus as Client, type OutboxEvent } from '@olympus/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createStore, type Store } from '../harness.ts';
import { olympus as startProcess, type Served } from '../processes.ts';
import { startFaultProxy, type FaultProxy } from '../sdk/fault-proxy.ts';
import { Team, type Person } from './people.ts';

let store: Store;
let served: Served;
let proxy: FaultProxy;
let team: Team;
let owner: Person;
let mate: Person;
let channelId: string;

const start = (port = '0') => startProcess({ ...store.env, RATE_LIMITS: 'off', PORT: port });
const restart = async () => {
  await served.stop('SIGKILL');
  served = await start(new URL(served.url).port);
};

beforeEach(async () => {
  store = await createStore();
  served = await start();
  proxy = await startFaultProxy(served.url);
  team = new Team(proxy.url);
  owner = await team.owner();
  mate = await team.hire(owner);
  channelId = (await owner.api.chat.channels.create.mutate({ name: 'Dock', userIds: [mate.id] })).id;
}, 120_000);
afterEach(async () => {
  team.close();
  await proxy.close();
  await served.stop('SIGKILL');
  await store.remove();
});

/** What a browser keeps of a page. */
function localStorage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

/** Kept connections end too. */
function goOffline(): void {
  proxy.down = true;
  proxy.cutAll();
}

async function history(api: Client): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  for await (const { text } of api.chat.messages.list.items({ channelId, sort: 'sequence' })) texts.push(text);
  return texts;
}
const texts = (count: number) => Array.from({ length: count }, (_, n) => `message ${n}`);
const wait = (check: () => unknown) => expect.poll(check, { timeout: 40_000, interval: 50 });

it('sends what was written offline, after the page and the server were begun anew, in order and once', async () => {
  const storage = localStorage();
  const options = { store: storedOutbox(storage) };
  const before = createOutbox(owner.api, options);
  goOffline();
  for (const text of texts(5)) await before.send({ channelId, text });
  expect((await before.messages()).map(({ text }) => text)).toEqual(texts(5));
  before.close();
  await restart();

  const events: OutboxEvent[] = [];
  const session = await owner.api.$session();
  const page = createOlympus({ url: proxy.url, WebSocket, session: { get: () => session, set: () => {} } });
  const after = createOutbox(page, { ...options, onEvent: (event) => events.push(event) });
  await after.send({ channelId, text: 'message 5' });
  proxy.down = false;
  after.flush();
  await wait(() => events.filter(({ type }) => type === 'sent').length).toBe(6);
  expect(await history(page)).toEqual(texts(6));
  expect(await after.messages()).toEqual([]);
  expect(storage.getItem('olympus.outbox')).toBeNull();
  after.close();
  page.$close();
}, 240_000);

it('loses and repeats nothing while the server is killed again and again and answers are lost', async () => {
  const events: OutboxEvent[] = [];
  const outbox = createOutbox(owner.api, { onEvent: (event) => events.push(event), timeoutMs: 2000 });
  const count = 60;
  const writing = (async () => {
    for (const [n, text] of texts(count).entries()) {
      if (n % 7 === 3) proxy.fail('chat.messages.send', { cut: 'answer' });
      await outbox.send({ channelId, text });
      await new Promise((next) => setTimeout(next, 60));
    }
  })();
  for (let kill = 0; kill < 2; kill++) {
    await new Promise((next) => setTimeout(next, 700));
    await restart();
    outbox.flush();
  }
  await writing;
  await wait(() => {
    outbox.flush();
    return events.filter(({ type }) => type === 'sent').length;
  }).toBe(count);
  expect(await history(mate.api)).toEqual(texts(count));
  expect(events.filter(({ type }) => type === 'pending')).toHaveLength(count);
  outbox.close();
}, 300_000);

it('keeps what is refused until it is tried again or discarded, and sends what is behind it', async () => {
  const events: OutboxEvent[] = [];
  const outbox = createOutbox(mate.api, { onEvent: (event) => events.push(event) });
  await owner.api.chat.members.remove.mutate({ id: channelId, userId: mate.id });
  const { clientId } = await outbox.send({ channelId, text: 'Refused' });
  const direct = await mate.api.chat.channels.openDirect.mutate({ userId: owner.id });
  await outbox.send({ channelId: direct.id, text: 'Elsewhere' });
  await wait(() => events.map(({ type }) => type).sort()).toEqual(['failed', 'pending', 'pending', 'sent']);
  expect(events.find(({ type }) => type === 'failed')).toMatchObject({
    message: { clientId, failed: true },
    failure: { code: 'CHANNEL_NOT_FOUND' },
  });
  await owner.api.chat.members.add.mutate({ id: channelId, userIds: [mate.id] });
  await outbox.retry(clientId);
  await wait(() => events.at(-1)).toMatchObject({ type: 'sent', sent: { text: 'Refused', clientId } });
  expect(await outbox.messages()).toEqual([]);
  outbox.close();
}, 120_000);

it('tells what is refused, and takes nothing, while its store is full', async () => {
  const storage = localStorage();
  let full = false;
  const setItem = (key: string, value: string) => {
    if (full) throw new Error('QuotaExceededError');
    storage.setItem(key, value);
  };
  const events: OutboxEvent[] = [];
  const outbox = createOutbox(mate.api, {
    store: storedOutbox({ ...storage, setItem, removeItem: () => setItem('', '') }),
    onEvent: (event) => events.push(event),
  });
  await owner.api.chat.members.remove.mutate({ id: channelId, userId: mate.id });
  goOffline();
  const { clientId } = await outbox.send({ channelId, text: 'Refused' });
  full = true;
  await expect(outbox.send({ channelId, text: 'Never taken' })).rejects.toThrow('QuotaExceededError');
  await expect(outbox.discard(clientId)).rejects.toThrow('QuotaExceededError');
  proxy.down = false;
  outbox.flush();
  await wait(() => events.at(-1)).toMatchObject({ type: 'failed', message: { clientId, text: 'Refused' } });
  await owner.api.chat.members.add.mutate({ id: channelId, userIds: [mate.id] });
  full = false;
  await outbox.retry(clientId);
  await wait(() => events.at(-1)).toMatchObject({ type: 'sent', sent: { clientId } });
  expect(await history(owner.api)).toEqual(['Refused']);
  expect(await outbox.messages()).toEqual([]);
  outbox.close();
}, 120_000);

it('sends nothing as another user', async () => {
  const [writer, other] = [await mate.api.$session(), await owner.api.$session()];
  let session = writer;
  const api = createOlympus({ url: proxy.url, WebSocket, session: { get: () => session, set: () => {} } });
  const events: OutboxEvent[] = [];
  const outbox = createOutbox(api, { onEvent: (event) => events.push(event) });
  goOffline();
  await outbox.send({ channelId, text: 'Mine' });
  session = other;
  // What is on its way as the writer fails before there is one again.
  await new Promise((next) => setTimeout(next, 300));
  proxy.down = false;
  outbox.flush();
  await new Promise((next) => setTimeout(next, 500));
  expect(await history(owner.api)).toEqual([]);
  session = writer;
  outbox.flush();
  await wait(() => events.at(-1)).toMatchObject({ type: 'sent', sent: { senderId: mate.id } });
  outbox.close();
  await expect(createOutbox(team.client()).send({ channelId, text: 'x' })).rejects.toThrow('Nobody is signed in');
}, 120_000);
