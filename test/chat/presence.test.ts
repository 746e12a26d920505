import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, startOlympus, type Olympus, type Store } from '../harness.ts';
import { olympus as startProcess, type Served } from '../processes.ts';
import { look, Team } from './people.ts';

const wait = (check: () => unknown, timeout = 10_000) => expect.poll(check, { timeout, interval: 10 });

describe('presence', () => {
  let olympus: Olympus;
  let team: Team;
  beforeAll(async () => {
    olympus = await startOlympus();
    team = new Team(olympus.url);
  });
  afterAll(async () => {
    team.close();
    await olympus.close();
  });

  it('begins with who is there, tells who comes and goes, and nothing of other tenants', async () => {
    const owner = await team.owner();
    const mate = await team.hire(owner);
    const stranger = await team.owner();
    const [mine, theirs] = [look(owner.api), look(stranger.api)];
    await wait(() => mine.events).toEqual([
      { type: 'presence.state', users: [{ userId: owner.id, status: 'online' }] },
    ]);
    const first = look(mate.api, 'away');
    await wait(() => mine.statusOf(mate.id)).toBe('away');
    await wait(() => first.statusOf(owner.id)).toBe('online');
    // Online by any device makes a user online.
    const second = look(await team.device(mate));
    await wait(() => mine.statusOf(mate.id)).toBe('online');
    second.stop();
    await wait(() => mine.statusOf(mate.id)).toBe('away');
    first.stop();
    await wait(() => mine.statusOf(mate.id)).toBe('offline');
    expect(mine.events).toHaveLength(5);
    expect(theirs.events).toEqual([{ type: 'presence.state', users: [{ userId: stranger.id, status: 'online' }] }]);
    mine.stop();
    theirs.stop();
  });

  it('shows who is typing to the members of the channel alone, and not to the typist', async () => {
    const owner = await team.owner();
    const [mate, outsider] = [await team.hire(owner), await team.hire(owner, 'viewer')];
    const { id: channelId } = await owner.api.chat.channels.create.mutate({ name: 'Desk', userIds: [mate.id] });
    const watches = [owner, mate, outsider].map(({ api }) => look(api));
    const [mine, mates, outsiders] = watches as [(typeof watches)[0], (typeof watches)[0], (typeof watches)[0]];
    for (const watch of watches) await wait(() => watch.statusOf(outsider.id)).toBe('online');
    const start = Date.now();
    await mate.api.chat.signal.mutate({ channelId });
    await mate.api.chat.signal.mutate({ channelId, typing: false });
    await wait(() => mine.typing()).toEqual([
      { type: 'typing', channelId, userId: mate.id, until: expect.any(Date) },
      { type: 'typing', channelId, userId: mate.id, until: null },
    ]);
    const [signal] = mine.typing();
    expect(signal?.type === 'typing' && signal.until && signal.until.getTime() - start).toBeGreaterThan(3000);
    await owner.api.chat.members.remove.mutate({ id: channelId, userId: mate.id });
    await owner.api.chat.signal.mutate({ channelId });
    const { id: both } = await owner.api.chat.channels.create.mutate({ name: 'All', userIds: [mate.id, outsider.id] });
    await owner.api.chat.signal.mutate({ channelId: both });
    for (const watch of [mates, outsiders])
      await wait(() => watch.typing().map((event) => event.type === 'typing' && event.channelId)).toEqual([both]);
    for (const watch of watches) watch.stop();
  });

  it('is not given to a program that acts for somebody', async () => {
    const owner = await team.owner();
    const { secret } = await owner.api.apiKeys.create.mutate({ name: 'Bot', scopes: ['chat:read', 'chat:write'] });
    const response = await fetch(`${olympus.url}/api/v1/chat/presence`, {
      headers: { authorization: `Bearer ${secret}`, accept: 'text/event-stream' },
    });
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toContain('"users":[]');
    await response.body?.cancel().catch(() => {});
  });
});

// The embedded database has one process by nature.
describe.skipIf(!process.env['TEST_DATABASE_URL'])('presence of two processes', () => {
  let store: Store;
  afterAll(() => store.remove());

  const hears = process.env['TEST_REDIS_URL'] ? ['Redis', 'PostgreSQL'] : ['PostgreSQL'];
  it.each(hears)(
    'is one over %s, and of one that is killed ends within seconds',
    async (bus) => {
      await store?.remove();
      store = await createStore();
      const env = { ...store.env, ...(bus === 'PostgreSQL' ? { REDIS_URL: '' } : {}), RATE_LIMITS: 'off' };
      const processes: Served[] = await Promise.all([startProcess(env), startProcess(env)]);
      const [doomed, survivor] = processes as [Served, Served];
      const team = new Team(survivor.url);
      try {
        const owner = await team.owner();
        const mate = await team.hire(owner);
        const mine = look(owner.api);
        const theirs = look(await team.device(mate, doomed.url));
        await wait(() => mine.statusOf(mate.id)).toBe('online');
        await wait(() => theirs.statusOf(owner.id)).toBe('online');
        const { id: channelId } = await owner.api.chat.channels.create.mutate({ name: 'Desk', userIds: [mate.id] });
        await owner.api.chat.signal.mutate({ channelId });
        await wait(() => theirs.typing().length).toBe(1);
        theirs.stop();
        await wait(() => mine.statusOf(mate.id)).toBe('offline');
        const again = look(await team.device(mate, doomed.url));
        await wait(() => mine.statusOf(mate.id)).toBe('online');
        // Longer than a lease: it is renewed.
        await new Promise((next) => setTimeout(next, 7000));
        expect(mine.statusOf(mate.id)).toBe('online');
        await doomed.stop('SIGKILL');
        const start = performance.now();
        await wait(() => mine.statusOf(mate.id)).toBe('offline');
        expect(performance.now() - start).toBeLessThan(8000);
        again.stop();
        mine.stop();
      } finally {
        team.close();
        await Promise.all(processes.map((one) => one.stop('SIGKILL')));
      }
    },
    90_000,
  );
});
