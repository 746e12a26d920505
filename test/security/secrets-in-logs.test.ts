import { sql } from '@olympus/database';
import { createLogger } from '@olympus/server/platform/logger.ts';
import { startApp, type App } from '@olympus/server/app.ts';
import { readConfig } from '@olympus/server/config.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createStore, idleConsumer, type Store } from '../harness.ts';
import { carries, protocolsOf, tree } from './protocols.ts';
import { attackerOf, sampleOf } from './sample.ts';
import { password, randomKey, Shop, unique } from './shop.ts';
import type { Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let store: Store;
let app: App;
let protocols: Protocol[];
let shop: Shop;
const lines: string[] = [];

beforeAll(async () => {
  store = await createStore();
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    OLYMPUS_SEED_DEMO: 'off',
    RATE_LIMITS: 'off',
    ...store.env,
  });
  app = await startApp(config, {
    log: createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } }),
    consumers: [idleConsumer],
  });
  protocols = protocolsOf(app.url);
  shop = await Shop.open(app);
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await app.close();
  await store.remove();
});

const secretName = /password|passphrase|secret|token$|code$|apiKey$|^key$|recovery/i;
/** What a caller sends or gets under a name that tells a secret. Short ones would be found by chance. */
function* secretsIn(value: unknown, name = ''): Generator<string> {
  if (typeof value === 'string' && secretName.test(name) && value.length >= 8) yield value;
  if (typeof value === 'object' && value !== null)
    for (const [key, child] of Object.entries(value)) yield* secretsIn(child, Array.isArray(value) ? name : key);
}
// A customer's code is no secret, and is named in refusals.
const isOpen = (secret: string) => secret.startsWith(shop.mark);

it('no password, token or key that went through the whole tree is in any line, and no line can be forged', async () => {
  const secrets = new Set([password, shop.token, shop.owner.refreshToken]);
  const keep = (value: unknown) => {
    for (const secret of secretsIn(value)) if (!isOpen(secret)) secrets.add(secret);
  };
  // Two protocols for each procedure, in turn, so that each carries many.
  let turn = 0;
  for (const [path, { kind }] of tree) {
    const token = await attackerOf(path, shop);
    const over = protocols.filter((protocol) => carries(protocol, path));
    turn++;
    for (const protocol of [over[turn % over.length], over[(turn + 2) % over.length]]) {
      if (!protocol) continue;
      const input = await sampleOf(path, shop);
      const key = kind === 'mutation' ? randomKey() : null;
      keep(input);
      const answer = await protocol.call({ path, input, token, key });
      keep(answer.value);
      // Refused for the wrong password, for a faulty body, and for a bad token.
      const wrong = `wrong password ${unique()}`;
      secrets.add(wrong);
      const faulty = { ...input, password: wrong, unknown: wrong, refreshToken: wrong, token: wrong };
      keep((await protocol.call({ path, input: faulty, token })).value);
      const forged = `${shop.token.slice(0, -8)}${unique().slice(0, 8)}`;
      secrets.add(forged);
      await protocol.call({ path, input, token: forged });
    }
  }
  const session = await shop.signIn();
  secrets.add(session.accessToken).add(session.refreshToken);
  const stored = await app.database.systemDb.rows<{ text: string }>(sql`
    select password_hash as text from users union all select token_hash from refresh_tokens
    union all select secret_hash from api_keys union all select token_hash from mail_tokens
    union all select material->>'d' from keys where material ? 'd'`);
  for (const { text } of stored) if (text) secrets.add(text);

  const forgery = `x\r\n{"level":"error","msg":"forged"}\r\n`;
  for (const [name, value] of [
    ['x-request-id', 'forged\\n{"level":"error"}'],
    ['user-agent', 'forged {"level":"error"}'],
  ] as const)
    await fetch(`${app.url}/api/v1/auth/me`, { headers: { [name]: value, authorization: `Bearer ${shop.token}` } });
  await shop.call('customers.create', { name: `${shop.mark} ${forgery}` });
  await fetch(`${app.url}/trpc/${encodeURIComponent(forgery)}`);
  await fetch(`${app.url}/api/v1/orders?q=${encodeURIComponent(forgery)}`, {
    headers: { authorization: `Bearer ${shop.token}` },
  });

  expect(secrets.size).toBeGreaterThan(100);
  expect(lines.length).toBeGreaterThan(500);
  const text = lines.join('');
  const shown = [...secrets].filter((secret) => text.includes(secret));
  expect(shown).toEqual([]);
  for (const line of lines) {
    expect(line.endsWith('\n') && line.indexOf('\n') === line.length - 1, line).toBe(true);
    expect((JSON.parse(line) as { msg?: string }).msg).not.toBe('forged');
  }
});
