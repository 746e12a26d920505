import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolNames, protocolsOf, tree } from './protocols.ts';
import { rowsOf } from './rows.ts';
import { classified, keptSamples, needed, sampleOf, withField } from './sample.ts';
import { likeness, makers, missing, ofPlatform, Shop, type Resource } from './shop.ts';
import type { Protocol, Stream } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
/** What is to be kept from `thief`, who has the same things. */
let victim: Shop;
let thief: Shop;
let kept: ReturnType<typeof keptSamples>;

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  [victim, thief] = await Promise.all([Shop.open(olympus.app), Shop.open(olympus.app)]);
  kept = keptSamples(thief);
  for (const resource of Object.keys(makers) as Resource[])
    await Promise.all([victim.id(resource), thief.id(resource)]);
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

const protocolOf = (name: string): Protocol => {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`no protocol ${name}`);
  return found;
};
/** What a text shows of the victim, beside what was asked for. */
const shown = (text: string, asked: string): string[] =>
  [victim.mark, ...victim.allIds].filter((secret) => secret !== asked && text.includes(secret));
const withIds = [...tree.keys()].flatMap((path) =>
  Object.entries(classified(path).ids).map(([field, resource]) => ({ path, field, resource })),
);

describe.each(protocolNames)('another tenant’s ids over %s', (name) => {
  it('are as unknown as ids that nobody has, in every field, and change nothing', async () => {
    const protocol = protocolOf(name);
    const before = await rowsOf(olympus.app.database, victim.tenantId);
    const events = victimsEvents();
    await Promise.all(events.map(({ opened }) => opened));
    for (const { path, field, resource } of withIds) {
      if (!carries(protocol, path)) continue;
      const foreign = await victim.id(resource);
      const { token } = thief;
      // What is beside the id in a batch is done.
      const sample = () => (path.endsWith('.batch') ? sampleOf(path, thief) : kept(path));
      const call = async (id: string) => protocol.call({ path, input: withField(await sample(), field, id), token });
      const [stolen, unknown] = [await call(foreign), await call(missing)];
      const told = `${path} with ${field} of another tenant over ${name}`;
      expect(shown(stolen.text, foreign), told).toEqual([]);
      // How much of a stream has come by now is chance.
      if (tree.get(path)?.kind === 'subscription' && stolen.code === 'OK') expect(unknown.code, told).toBe('OK');
      else expect(normal(likeness(stolen, foreign)), told).toBe(normal(likeness(unknown, missing)));
      // Lists and streams are only narrowed by an id; each item of a batch succeeds or fails alone.
      const refused = stolen.status === (ofPlatform(path) ? 403 : 404) || stolen.text.includes('_NOT_FOUND');
      expect(refused || classified(path).effect === 'reads', `${told}: ${stolen.text}`).toBe(true);
      if (!refused) expect(stolen.status, told).toBe(200);
    }
    expect(await rowsOf(olympus.app.database, victim.tenantId)).toEqual(before);
    for (const stream of events) {
      expect(stream.text()).not.toMatch(/mark|order\.|product\.|customer\.|user\.|audit\.|notification\.|chat\./);
      stream.close();
    }
  });

  it('appear in no answer to a call without them', async () => {
    const protocol = protocolOf(name);
    for (const [path, { kind }] of tree) {
      if (kind === 'mutation' || ofPlatform(path) || !carries(protocol, path)) continue;
      const answer = await protocol.call({ path, input: kind === 'query' ? await wide(path) : {}, token: thief.token });
      expect(answer.code, `${path}: ${answer.text}`).toBe('OK');
      // The thief's own log tells with which ids they have tried.
      const told = path.startsWith('audit.')
        ? shown(answer.text, '').filter((text) => text === victim.mark)
        : shown(answer.text, '');
      expect(told, path).toEqual([]);
    }
  });
});

describe('another tenant’s places', () => {
  const lists = [...tree.keys()].filter((path) => 'cursor' in (shapeOf(path) ?? {}) && !ofPlatform(path));
  it.each(lists)('in %s are refused', async (path) => {
    for (const resource of Object.keys(makers) as Resource[]) await victim.fresh(resource);
    const { nextCursor } = await victim.call<{ nextCursor: string | null }>(path, {
      ...(await needed(path, victim)),
      limit: 1,
    });
    expect(nextCursor, `${path} of the victim has two pages`).toBeTruthy();
    for (const protocol of protocols) {
      const input = { ...(await needed(path, thief)), limit: 1, cursor: nextCursor };
      const answer = await protocol.call({ path, input, token: thief.token });
      expect(answer.code, `${protocol.name}: ${answer.text}`).toBe('INVALID_INPUT');
    }
  });

  const streams = [...tree].filter(([, { def }]) => def.tracked).map(([path]) => path);
  it.each(streams)('and events in %s stay theirs', async (path) => {
    const over = protocols.filter((protocol) => carries(protocol, path));
    const theirs = protocolOf('WebSocket').follow({ path, input: {}, token: victim.token });
    await theirs.opened;
    const narrowed = Object.entries(classified(path).ids);
    const inputs: object[] = [{}];
    for (const [field, resource] of narrowed) inputs.push({ [field]: await victim.id(resource) });
    const stolen = over.flatMap((protocol) =>
      inputs.map((input) => protocol.follow({ path, input, token: thief.token })),
    );
    await Promise.all(stolen.map(({ opened }) => opened));
    const own = protocolOf('WebSocket').follow({ path, input: {}, token: thief.token });
    await own.opened;

    await stir(victim);
    await seen(theirs, victim);
    const lastEventId = /"id":"([\w-]+)","data"|"data":\{"json":\{"id":"([\w-]+)"/
      .exec(theirs.text())
      ?.slice(1)
      .find(Boolean);
    const resumed = over.map((protocol) => protocol.follow({ path, input: { lastEventId }, token: thief.token }));
    await Promise.all(resumed.map(({ opened }) => opened));
    // Once the thief has seen an event of their own, those of the victim, which came earlier, would have come too.
    await stir(thief);
    await seen(own, thief);
    for (const stream of [...stolen, ...resumed, own]) expect(shown(stream.text(), '')).toEqual([]);
    for (const stream of [...stolen, ...resumed, own, theirs]) stream.close();
  });
});

/** Sells something, which every stream tells of in its own way. */
async function stir(shop: Shop): Promise<void> {
  const productId = await shop.id('product');
  await shop.call('orders.create', { items: [{ productId, quantity: 1 }], notes: shop.mark });
  await shop.fresh('message');
  await shop.fresh('customer');
  await shop.fresh('user');
  await shop.fresh('notification');
}
async function seen(stream: Stream, shop: Shop): Promise<void> {
  const has = () => stream.text().includes(shop.mark) || /"ordersToday":[1-9]|"orders":[1-9]/.test(stream.text());
  await expect.poll(has, { timeout: 10_000, interval: 10 }).toBe(true);
}

const victimsEvents = (): Stream[] =>
  [...tree]
    .filter(([, { def }]) => def.tracked)
    .map(([path]) => protocolOf('WebSocket').follow({ path, input: {}, token: victim.token }));

/** As much as a list gives at once. */
async function wide(path: string): Promise<object> {
  const sample = await sampleOf(path, thief);
  return 'limit' in (shapeOf(path) ?? {}) ? { ...(await needed(path, thief)), limit: 100 } : sample;
}

const shapeOf = (path: string) => (tree.get(path)?.def.input as { shape?: object } | undefined)?.shape;

/** What a sample holds of itself, and what the server made meanwhile. */
const normal = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<some id>')
    .replace(/mark[0-9a-f]{12}[\w -]*/g, '<text>')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '<time>')
    .replace(/"number":"\d+"/g, '<number>');
