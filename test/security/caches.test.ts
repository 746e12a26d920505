import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolsOf, tree } from './protocols.ts';
import { needed } from './sample.ts';
import { gbp, makers, ofPlatform, Shop, type Resource } from './shop.ts';
import type { Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let one: Shop;
let other: Shop;

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  [one, other] = await Promise.all([Shop.open(olympus.app), Shop.open(olympus.app)]);
  for (const resource of Object.keys(makers) as Resource[]) await Promise.all([one.id(resource), other.id(resource)]);
  // What the two have differs, so that an answer tells whose it is.
  const productId = await one.make('products.create', { sku: 'dear', name: `${one.mark} dear`, price: gbp('777.77') });
  await one.call('orders.create', { items: [{ productId, quantity: 7 }], country: 'Norway' });
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

const queries = [...tree].filter(([, { kind }]) => kind === 'query').map(([path]) => path);
const cached = [...tree].filter(([, { def }]) => def.cache).map(([path]) => path);
/** Figures carry the time of their making, and links that of their end. */
const steady = (text: string) =>
  text.replace(/"(generatedAt|at|requestId|url)":"[^"]*"/g, '').replace(/^\{"id":\d+/, '');

describe('a kept answer', () => {
  it.each(cached)('of %s is another tenant’s never, whoever asks first', async (path) => {
    for (const protocol of protocols) {
      const first = await protocol.call({ path, input: {}, token: one.token });
      const second = await protocol.call({ path, input: {}, token: other.tokenFor(path) });
      expect([first.code, second.code], protocol.name).toEqual(['OK', 'OK']);
      expect(steady(second.text), protocol.name).not.toBe(steady(first.text));
      expect(second.text).not.toMatch(/777\.77|5444\.39|Norway/);
      for (const secret of [one.mark, ...one.allIds]) expect(second.text, protocol.name).not.toContain(secret);
      const again = await protocol.call({ path, input: {}, token: one.token });
      expect(steady(again.text), protocol.name).toBe(steady(first.text));
    }
  });

  it('of the caller is another user’s never', async () => {
    const viewer = await one.as('viewer');
    for (const protocol of protocols) {
      const mine = await protocol.call({ path: 'auth.me', token: one.token });
      const theirs = await protocol.call({ path: 'auth.me', token: viewer.accessToken });
      expect(mine.text).toContain(one.owner.user.id);
      expect(theirs.text, protocol.name).toContain(viewer.user.id);
      expect(theirs.text, protocol.name).not.toContain(one.owner.user.id);
    }
  });

  it('depends on no header but the credential', async () => {
    const headers = {
      'accept-language': 'nb',
      'x-tenant-id': one.tenantId,
      'x-user-id': one.owner.user.id,
      'x-forwarded-host': 'evil.example',
      'x-original-url': '/api/v1/users',
      cookie: `tenant=${one.tenantId}`,
    };
    for (const path of queries)
      for (const protocol of protocols.filter(({ name }) => name === 'REST' || name === 'tRPC')) {
        const input = await needed(path, other);
        const plain = await protocol.call({ path, input, token: other.tokenFor(path) });
        const dressed = await protocol.call({ path, input, token: other.tokenFor(path), headers });
        expect(plain.code, `${path} ${plain.text}`).toBe('OK');
        expect(steady(dressed.text), `${path} over ${protocol.name}`).toBe(steady(plain.text));
      }
  });
});

describe('an answer', () => {
  it('of any procedure over any HTTP protocol is kept by nobody on the way', async () => {
    for (const [path, { kind }] of tree)
      for (const protocol of protocols) {
        if (protocol.name === 'WebSocket' || !carries(protocol, path)) continue;
        for (const token of [one.tokenFor(path), null]) {
          const input = kind === 'mutation' ? { nonsense: true } : await needed(path, one);
          const { headers } = await protocol.call({ path, input, token });
          const directives = headers?.get('cache-control')?.split(', ');
          expect(directives, `${path} over ${protocol.name}`).toEqual(expect.arrayContaining(['private', 'no-store']));
        }
      }
  });

  it('is confirmed unchanged only by its own tag', async () => {
    // What is public is the same for everybody.
    const own = queries.filter((path) => !ofPlatform(path) && tree.get(path)?.def.access !== 'public');
    for (const path of own) {
      const protocol = protocols.find(({ name }) => name === 'REST');
      const call = { path, token: one.token };
      const mine = await protocol?.call({ ...call, input: await needed(path, one) });
      const etag = mine?.headers?.get('etag') ?? '';
      expect(etag, path).not.toBe('');
      const asked = { path, token: other.token, input: await needed(path, other) };
      const plain = await protocol?.call(asked);
      const theirs = await protocol?.call({ ...asked, headers: { 'if-none-match': etag } });
      // A version is a number, and settings that nobody has changed are alike: each says so of itself.
      if (etag.startsWith('W/') && plain?.text !== mine?.text) expect(theirs?.status, path).toBe(200);
      else expect([200, 304], path).toContain(theirs?.status);
      expect(theirs?.text ?? '').not.toContain(one.mark);
    }
  });
});
