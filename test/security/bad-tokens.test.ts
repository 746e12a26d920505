import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolNames, protocolsOf, tree } from './protocols.ts';
import { Shop } from './shop.ts';
import type { Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let shop: Shop;

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  shop = await Shop.open(olympus.app);
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

const isThere = <T>(value: T | undefined): value is T => value !== undefined;
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Of each kind one; `server/src/domains/auth/tokens.test.ts` has them all. */
async function badTokens(): Promise<Record<string, string>> {
  const [head = '', body = '', signature = ''] = shop.token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
  const jwks = (await (await fetch(`${olympus.url}/.well-known/jwks.json`)).json()) as { keys: { x: string }[] };
  const hmacHead = encode({ ...header, alg: 'HS256' });
  const hmac = createHmac('sha256', jwks.keys[0]?.x ?? '')
    .update(`${hmacHead}.${body}`)
    .digest('base64url');
  return {
    'no signature': `${encode({ ...header, alg: 'none' })}.${body}.`,
    'the public key as a secret': `${hmacHead}.${body}.${hmac}`,
    'a key that the token names': `${encode({ ...header, jku: 'http://127.0.0.1:9/keys', kid: 'other' })}.${body}.${signature}`,
    'a kid of every object': `${encode({ ...header, kid: '__proto__' })}.${body}.${signature}`,
    'another tenant': `${head}.${encode({ ...claims, tid: shop.owner.user.id })}.${signature}`,
    'a higher role': `${head}.${encode({ ...claims, role: 'super_admin' })}.${signature}`,
    'a refresh token': shop.owner.refreshToken,
    'no token': 'none',
    '8 KB': 'x'.repeat(8000),
  };
}

it.each(protocolNames)(
  'a bad token is one refusal on every procedure over %s, whatever is bad about it',
  async (name) => {
    const protocol = protocols.find((one) => one.name === name);
    const shapes = new Set<string>();
    const tokens = Object.entries(await badTokens());
    let turn = protocolNames.findIndex((one) => one === name);
    for (const [path] of tree) {
      if (!protocol || !carries(protocol, path)) continue;
      // Two of them in turn, so that each meets many procedures on each protocol.
      for (const [kind, token] of [tokens[turn++ % tokens.length], tokens[turn++ % tokens.length]].filter(isThere)) {
        const answer = await protocol.call({ path, input: {}, token });
        expect([answer.status, answer.code], `${path} with ${kind}: ${answer.text}`).toEqual([401, 'UNAUTHENTICATED']);
        const { requestId: _, instance: __, ...rest } = { instance: null, ...answer.failure };
        shapes.add(JSON.stringify(rest));
      }
    }
    expect(shapes.size).toBe(1);
  },
);
