import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { listen, say, Team, type Person } from './people.ts';

let olympus: Olympus;
let team: Team;
let owner: Person;
let mate: Person;
let channelId: string;

beforeAll(async () => {
  olympus = await startOlympus();
  team = new Team(olympus.url);
});
beforeEach(async () => {
  owner = await team.owner();
  mate = await team.hire(owner);
  channelId = (await owner.api.chat.channels.create.mutate({ name: 'Warehouse', userIds: [mate.id] })).id;
});
afterAll(async () => {
  team.close();
  await olympus.close();
});

const wait = (check: () => unknown) => expect.poll(check, { timeout: 10_000, interval: 10 });

describe('chat.updates', () => {
  it('tells members of what is sent, edited, deleted, read and renamed, and others of nothing', async () => {
    const outsider = await team.hire(owner, 'viewer');
    const stranger = await team.owner();
    const [heard, device] = [await listen(mate.api), await listen(await team.device(mate))];
    const others = [await listen(outsider.api), await listen(stranger.api)];
    const message = await say(owner.api, channelId, 'Hello');
    await owner.api.chat.messages.edit.mutate({ id: message.id, text: 'Good day' });
    await owner.api.chat.messages.delete.mutate({ id: message.id });
    await owner.api.chat.channels.rename.mutate({ id: channelId, name: 'Stock' });
    await mate.api.chat.channels.markRead.mutate({ id: channelId, sequence: 1 });
    const types = [
      'started',
      'chat.message.sent',
      'chat.message.edited',
      'chat.message.deleted',
      'chat.channel.renamed',
      'chat.channel.read',
    ];
    await wait(() => heard.types()).toEqual(types);
    // Receipts reach all devices of the reader too.
    await wait(() => device.types()).toEqual(types);
    expect(device.events.at(-1)?.data).toMatchObject({ channelId, receipt: { userId: mate.id, readSequence: 1 } });
    expect(heard.events[3]?.data).toMatchObject({ message: { text: null, sequence: 1, version: 3 } });
    // Something that they are told of comes after all that they must not be told of.
    const theirs = await outsider.api.chat.channels.create.mutate({ name: 'Mine' });
    await say(outsider.api, theirs.id, 'Alone');
    await say(stranger.api, (await stranger.api.chat.channels.create.mutate({ name: 'Other' })).id, 'Alone');
    for (const other of others) {
      await wait(() => other.types()).toEqual(['started', 'chat.members.added', 'chat.message.sent']);
      expect(other.texts()).toEqual(['Alone']);
    }
    for (const stream of [heard, device, ...others]) stream.stop();
  });

  it('begins with an addition and ends with a removal, also for who resumes', async () => {
    const guest = await team.hire(owner, 'viewer');
    const heard = await listen(guest.api);
    await say(owner.api, channelId, 'before');
    await owner.api.chat.members.add.mutate({ id: channelId, userIds: [guest.id] });
    await say(owner.api, channelId, 'between');
    await wait(() => heard.texts()).toEqual(['between']);
    const [started] = heard.events;
    await owner.api.chat.members.remove.mutate({ id: channelId, userId: guest.id });
    await say(owner.api, channelId, 'after');
    const elsewhere = (await guest.api.chat.channels.create.mutate({ name: 'Elsewhere' })).id;
    await say(guest.api, elsewhere, 'end');
    await wait(() => heard.texts()).toEqual(['between', 'end']);
    expect(heard.types()).toEqual([
      'started',
      'chat.members.added',
      'chat.message.sent',
      'chat.members.removed',
      'chat.members.added',
      'chat.message.sent',
    ]);
    // From before the addition on: what was told while they were a member is told no more.
    const resumed = await listen(guest.api, { lastEventId: started?.id ?? '' });
    await wait(() => resumed.texts()).toEqual(['end']);
    await say(mate.api, channelId, 'later');
    await say(guest.api, elsewhere, 'last');
    await wait(() => resumed.texts()).toEqual(['end', 'last']);
    heard.stop();
    resumed.stop();
  });

  it('cuts off within the flow of messages whoever is removed, and never a message later', async () => {
    for (let round = 0; round < 5; round++) {
      const guest = await team.hire(owner, 'viewer');
      const { id } = await owner.api.chat.channels.create.mutate({ name: 'Busy', userIds: [guest.id, mate.id] });
      const heard = await listen(guest.api);
      const sending = (async () => {
        for (let n = 0; n < 20; n++) await say(mate.api, id, String(n));
      })();
      await wait(() => heard.texts().length).toBeGreaterThan(3);
      await owner.api.chat.members.remove.mutate({ id, userId: guest.id });
      await sending;
      await wait(() => heard.types().at(-1)).toBe('chat.members.removed');
      const told = heard.texts().length;
      await say(guest.api, (await guest.api.chat.channels.create.mutate({ name: 'Own' })).id, 'end');
      await wait(() => heard.texts().at(-1)).toBe('end');
      expect(heard.texts()).toHaveLength(told + 1);
      expect(told).toBeLessThan(20);
      heard.stop();
    }
  });

  it('resumes behind every event, over REST too, without a gap and without a repetition', async () => {
    const heard = await listen(mate.api);
    for (let n = 0; n < 6; n++) await say(owner.api, channelId, String(n));
    await wait(() => heard.texts().length).toBe(6);
    heard.stop();
    const { accessToken } = (await mate.api.$session()) ?? { accessToken: '' };
    for (const [index, { id }] of heard.events.entries()) {
      const expected = ['0', '1', '2', '3', '4', '5'].slice(index);
      const resumed = await listen(mate.api, { lastEventId: id });
      await wait(() => resumed.texts()).toEqual(expected);
      resumed.stop();
      if (expected.length > 0) expect(await restTexts(accessToken, id, expected.length)).toEqual(expected);
    }
  });
});

/** The first texts of the plain event stream behind an event. */
async function restTexts(token: string, lastEventId: string, count: number): Promise<string[]> {
  const leaving = new AbortController();
  const response = await fetch(`${olympus.url}/api/v1/chat/events`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'last-event-id': lastEventId },
    signal: leaving.signal,
  });
  let text = '';
  const texts = () => [...text.matchAll(/"text":"(\w+)"/g)].map((match) => match[1] ?? '');
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (texts().length >= count) break;
  }
  leaving.abort();
  return texts();
}

describe('the order of a channel', () => {
  it('is one and the same for all under 20 senders at once', async () => {
    const senders = await Promise.all(Array.from({ length: 20 }, () => team.hire(owner)));
    await owner.api.chat.members.add.mutate({ id: channelId, userIds: senders.map(({ id }) => id) });
    const readers = await Promise.all([owner, mate, ...senders.slice(0, 3)].map(({ api }) => listen(api)));
    const each = 10;
    await Promise.all(
      senders.map(async ({ api }, sender) => {
        for (let n = 0; n < each; n++) await say(api, channelId, `${sender}.${n}`);
      }),
    );
    const count = senders.length * each;
    for (const reader of readers) await wait(() => reader.texts().length).toBe(count);
    const [first] = readers.map((reader) => reader.texts());
    for (const reader of readers) {
      expect(reader.texts()).toEqual(first);
      const sequences = reader.events.flatMap(({ data }) =>
        data.type === 'chat.message.sent' ? [data.message.sequence] : [],
      );
      expect(sequences).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    }
    const history: (string | null)[] = [];
    for await (const { text } of owner.api.chat.messages.list.items({ channelId, sort: 'sequence', limit: 100 }))
      history.push(text);
    expect(history).toEqual(first);
    // What each has said stands in the order in which they said it.
    for (let sender = 0; sender < senders.length; sender++)
      expect(history.filter((text) => text?.startsWith(`${sender}.`))).toEqual(
        Array.from({ length: each }, (_, n) => `${sender}.${n}`),
      );
    for (const reader of readers) reader.stop();
  }, 60_000);

  it('takes a message once, however often it comes at once', async () => {
    const input = { channelId, clientId: 'once', text: 'Once' };
    const sent = await Promise.all(Array.from({ length: 20 }, () => owner.api.chat.messages.send.mutate(input)));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    const { items } = await mate.api.chat.messages.list.query({ channelId });
    expect(items).toHaveLength(1);
    const direct = await Promise.all([
      ...Array.from({ length: 5 }, () => owner.api.chat.channels.openDirect.mutate({ userId: mate.id })),
      ...Array.from({ length: 5 }, () => mate.api.chat.channels.openDirect.mutate({ userId: owner.id })),
    ]);
    expect(new Set(direct.map(({ id }) => id)).size).toBe(1);
  });
});
