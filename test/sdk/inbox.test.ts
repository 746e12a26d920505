import { createInbox, storedInbox, type Inbox, type Notification, type Olympus } from '@olympus/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, setUp, until, type Setup } from './support.ts';

let setup: Setup;
beforeAll(async () => {
  setup = await setUp();
});
afterAll(() => setup.close());

/** What a browser keeps of a page. */
function localStorage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}
const titleOf = ({ announcement }: Notification) => announcement?.title;

/** An inbox with the titles of what it has shown. */
function open(api: Olympus, storage = localStorage()): { inbox: Inbox; shown: unknown[]; errors: unknown[] } {
  const shown: unknown[] = [];
  const errors: unknown[] = [];
  const inbox = createInbox(api, {
    store: storedInbox(storage),
    onNotification: (notification) => shown.push(titleOf(notification)),
    onError: (error) => errors.push(error),
  });
  return { inbox, shown, errors };
}

/** Announces over REST to the server itself, so that a broken proxy does not hold it up. */
async function announcer(api: Olympus) {
  const session = { get: () => api.$session(), set: () => undefined };
  const direct = setup.stranger({ url: setup.olympus.url, session });
  return (title: string) => direct.notifications.announce.mutate({ title, text: 'x' });
}
const another = async (api: Olympus) => {
  const email = (await api.$session())?.user.email ?? '';
  const device = setup.stranger();
  await device.auth.login.mutate({ email, password });
  return device;
};

describe.each(['ws', 'sse', 'poll'] as const)('an inbox over %s', (subscriptions) => {
  test('shows each notification once, whichever way it comes, and what is read on other devices as read', async () => {
    const api = await setup.client({ transport: { subscriptions } });
    const announce = await announcer(api);
    const storage = localStorage();
    await announce('before');
    await until(async () => (await api.notifications.unread.query()).unread === 1);
    const { inbox, shown, errors } = open(api, storage);
    await until(() => inbox.unread() === 1);
    expect(inbox.notifications().map(titleOf)).toEqual(['before']);
    await announce('live');
    await until(() => shown.length === 1);

    setup.proxy.down = true;
    setup.proxy.cutAll();
    for (const title of ['away 1', 'away 2']) await announce(title);
    setup.proxy.down = false;
    await until(() => shown.length === 3, 20_000);
    expect(shown).toEqual(['live', 'away 1', 'away 2']);
    expect(inbox.unread()).toBe(4);

    const phone = await another(api);
    const [last] = (await phone.notifications.list.query({ limit: 1 })).items;
    await phone.notifications.markRead.mutate({ ids: [last?.id ?? ''] });
    await until(() => inbox.unread() === 3);
    expect(inbox.notifications().map(({ readAt }) => readAt !== null)).toEqual([true, false, false, false]);
    await phone.notifications.markAllRead.mutate({});
    await until(() => inbox.unread() === 0);
    expect(inbox.notifications().every(({ readAt }) => readAt instanceof Date)).toBe(true);
    inbox.close();

    // A later visit: the mark says what was shown, and the list the rest.
    await announce('while closed');
    await until(async () => (await phone.notifications.unread.query()).unread === 1);
    const again = open(api, storage);
    await until(() => again.inbox.unread() === 1);
    await announce('live again');
    await until(() => again.shown.length === 2);
    expect(again.shown).toEqual(['while closed', 'live again']);
    expect(new Set(again.inbox.notifications().map(({ eventId }) => eventId)).size).toBe(6);
    await again.inbox.markAllRead();
    await until(() => again.inbox.unread() === 0);
    again.inbox.close();
    expect([...errors, ...again.errors]).toEqual([]);
  });
});

test('an inbox begins anew behind a gap, shows nothing twice and leaves nothing out', async () => {
  const api = await setup.client({ transport: { subscriptions: 'sse' } });
  const announce = await announcer(api);
  // What another history has left behind: the stream is told that it cannot go on from there.
  const lost: Pick<Olympus, 'notifications' | '$session'> = {
    $session: () => api.$session(),
    notifications: new Proxy(api.notifications, {
      get: (target, key) =>
        key === 'updates'
          ? {
              subscribe: (_: object, watcher: never) =>
                api.notifications.updates.subscribe({ lastEventId: 'bG9zdA' }, watcher),
            }
          : Reflect.get(target, key),
    }),
  };
  for (const title of ['1', '2', '3']) await announce(title);
  await until(async () => (await api.notifications.unread.query()).unread === 3);
  const storage = localStorage();
  const userId = (await api.$session())?.user.id ?? '';
  storage.setItem('olympus.inbox', JSON.stringify({ userId, shownThrough: 1 }));
  const { inbox, shown } = open(lost as Olympus, storage);
  await until(() => shown.length === 2);
  await announce('4');
  await until(() => shown.length === 3);
  expect(shown).toEqual(['2', '3', '4']);
  expect(inbox.unread()).toBe(4);
  inbox.close();
});

test('an inbox loads what is older, and ends with its session', async () => {
  const api = await setup.client();
  const announce = await announcer(api);
  await Promise.all(Array.from({ length: 103 }, (_, n) => announce(`n${n}`)));
  await until(async () => (await api.notifications.unread.query()).unread === 103);
  const { inbox, shown, errors } = open(api);
  await until(() => inbox.unread() === 103);
  expect(inbox.notifications()).toHaveLength(100);
  expect(await inbox.more()).toBe(true);
  expect(inbox.notifications().map(({ sequence }) => sequence)).toEqual(Array.from({ length: 103 }, (_, n) => 103 - n));
  expect(await inbox.more()).toBe(false);
  expect(shown).toEqual([]);
  const first = inbox.notifications()[0]?.id ?? '';
  await inbox.markRead(first);
  expect(inbox.notifications()[0]?.readAt).toBeInstanceOf(Date);
  await until(() => inbox.unread() === 102);
  await api.auth.logout.mutate({});
  await until(() => errors.length === 1);
});
