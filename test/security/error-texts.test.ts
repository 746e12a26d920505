import { commonErrors, errors } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolsOf, tree } from './protocols.ts';
import { tenantTables } from './rows.ts';
import { attackerOf, classified, fieldsOf, keptSamples, sampleOf, schemaOf, withField } from './sample.ts';
import { makers, missing, Shop, type Resource } from './shop.ts';
import type { Answer, Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let shop: Shop;
let kept: ReturnType<typeof keptSamples>;

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  shop = await Shop.open(olympus.app);
  kept = keptSamples(shop);
  for (const resource of Object.keys(makers) as Resource[]) await shop.id(resource);
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
});

/** What would tell a caller how the house is built. */
const inside = [
  /\n\s+at /,
  /\bat \w+ \(|\bat (?:async )?(?:file|node):/,
  /node_modules|\.(?:ts|js|mjs|cjs):\d+/,
  /\/(?:home|tmp|usr|var|work|srv|opt)\//,
  /\b(?:select|insert into|update|delete from)\b[^"]{0,80}\b(?:from|values|set|where)\b/i,
  /relation "|relation \\"|column "|column \\"|constraint "|violates|syntax error|SQLSTATE|\b(?:42P01|23505|22P02)\b/i,
  /drizzle|postgres|pglite|pg_|ioredis|superjson\.|zod|\btrpc\/|express|find-my-way|argon2|jose/i,
  /\bV8\b|ECONN/,
  /"stack"|TypeError|RangeError|SyntaxError|ReferenceError|TRPCError|ZodError|PostgresError|\[object Object\]|undefined is not/,
];
const registry: Record<string, { status: number; title: string }> = { ...commonErrors, ...errors };
const faults: string[] = [];

function look({ text, code, status }: Answer, told: string, attack: unknown = ''): void {
  if (code === 'OK') return;
  // What a caller wrote may be told back to them.
  const own = JSON.stringify(attack).slice(1, -1);
  const words = own.length > 3 ? text.replaceAll(own, '') : text;
  for (const pattern of inside) if (pattern.test(words)) faults.push(`${told} shows ${pattern}: ${text.slice(0, 300)}`);
  if (!registry[code]) faults.push(`${told}: ${code} is registered nowhere: ${text.slice(0, 300)}`);
  else if (registry[code].status !== status) faults.push(`${told}: ${code} came with ${status}`);
}

const strange: unknown[] = [
  null,
  12,
  -1,
  1e308,
  true,
  [],
  {},
  [[]],
  '\0',
  '\ud800',
  'x'.repeat(10_000),
  '9'.repeat(30),
  '9999-99-99',
];

describe('a failure tells nothing of the inside', () => {
  it.each(['REST', 'tRPC', 'tRPC batch', 'tRPC streamed batch', 'WebSocket'])(
    'for any strange value in any field, over %s',
    async (name) => {
      const protocol = protocols.find((one) => one.name === name);
      let turn = name.length;
      for (const [path] of tree) {
        if (!protocol || !carries(protocol, path)) continue;
        const [sample, token] = [await kept(path), await attackerOf(path, shop)];
        const top = new Set(fieldsOf(schemaOf(path, 'input')).map((field) => field.path.split('.')[0] ?? ''));
        for (const field of top) {
          if (field === '' || field === 'content') continue;
          // In turn, so that every procedure and every protocol meets every value.
          for (let n = 0; n < (name === 'tRPC' ? 2 : 1); n++) {
            const value = strange[turn++ % strange.length];
            const answer = await protocol.call({
              path,
              input: { ...sample, [field]: value },
              token,
            });
            look(answer, `${path} with ${field} = ${JSON.stringify(value)?.slice(0, 40)} over ${name}`, value);
            if (answer.status >= 500)
              faults.push(
                `${path} with ${field} = ${JSON.stringify(value)?.slice(0, 40)} over ${name} is ${answer.status}`,
              );
          }
        }
        for (const field of Object.keys(classified(path).ids)) {
          look(
            await protocol.call({ path, input: withField(sample, field, missing), token }),
            `${path} with no such ${field}`,
          );
        }
      }
      expect(faults).toEqual([]);
    },
  );

  it('for a request that is none', async () => {
    const bearer = { authorization: `Bearer ${shop.token}` };
    const json = { ...bearer, 'content-type': 'application/json' };
    const requests: [path: string, init: RequestInit][] = [
      ['/api/v1/orders', { method: 'POST', headers: json, body: '{"items":' }],
      ['/api/v1/orders', { method: 'POST', headers: json, body: '[]' }],
      ['/api/v1/orders', { method: 'POST', headers: { ...bearer, 'content-type': 'text/xml' }, body: '<a/>' }],
      ['/api/v1/orders', { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: 'x' }],
      ['/api/v1/orders/%ff', { headers: bearer }],
      ['/api/v1/orders/%00', { headers: bearer }],
      ['/api/v1/orders/../../etc/passwd', { headers: bearer }],
      ['/api/v1/nothing', { headers: bearer }],
      ['/api/v1/orders', { method: 'PUT', headers: json, body: '{}' }],
      ['/api/v1/orders', { headers: { authorization: 'Basic eDp5' } }],
      ['/api/v1/orders?limit=x&limit=y&__proto__=z', { headers: bearer }],
      ['/trpc/nothing.here', { headers: bearer }],
      ['/trpc/__proto__.constructor', { headers: bearer }],
      ['/trpc/orders.list?input=%7B', { headers: bearer }],
      ['/trpc/orders.list?batch=1&input=x', { headers: bearer }],
      ['/trpc/orders.create', { method: 'POST', headers: { ...bearer, 'content-type': 'text/plain' }, body: '{}' }],
      [
        '/trpc/orders.list,orders.list?batch=1',
        { method: 'POST', headers: { ...json, 'trpc-accept': 'application/jsonl' }, body: '[' },
      ],
      ['/trpc/orders.updates?input=%7B', { headers: { ...bearer, accept: 'text/event-stream' } }],
      ['/trpc/orders.updates?lastEventId=x', { headers: { ...bearer, accept: 'text/event-stream' }, method: 'POST' }],
      ['/nothing/here', {}],
      ['/docs/../../package.json', {}],
      ['/metrics/x', {}],
    ];
    for (const [path, init] of requests) {
      const response = await fetch(olympus.url + path, init);
      const text = await response.text();
      expect(response.status, path).toBeGreaterThanOrEqual(400);
      expect(response.status, path).toBeLessThan(500);
      for (const pattern of inside) expect(text, `${path} shows ${pattern}`).not.toMatch(pattern);
      expect(response.headers.get('x-powered-by')).toBeNull();
      expect(response.headers.get('server')).toBeNull();
    }
  });

  it('for a fault of the house itself, on every procedure and protocol', async () => {
    const tables = (await tenantTables(olympus.app.database)).filter(
      (name) => !['users', 'sessions', 'refresh_tokens'].includes(name),
    );
    const samples = new Map<string, object>();
    for (const [path] of tree) samples.set(path, await sampleOf(path, shop));
    // The tables are gone for a while, which no call expects.
    const rename = (from: string, to: string) =>
      asOwner(tables.map((table) => `alter table ${table}${from} rename to ${table}${to}`).join(';'));
    await rename('', '_away');
    let internal = 0;
    try {
      let turn = 0;
      for (const [path, input] of samples) {
        const over = protocols.filter((protocol) => carries(protocol, path));
        turn++;
        for (const protocol of [over[turn % over.length], over[(turn + 2) % over.length]]) {
          if (!protocol) continue;
          const answer = await protocol.call({ path, input, token: shop.tokenFor(path), key: null });
          look(answer, `${path} over ${protocol.name} without its tables`);
          if (answer.code === 'INTERNAL') {
            internal++;
            if (answer.failure?.detail !== commonErrors.INTERNAL.title)
              faults.push(`${path} explains an internal fault`);
          }
        }
      }
    } finally {
      await rename('_away', '');
    }
    expect(faults).toEqual([]);
    expect(internal).toBeGreaterThan(50);
    expect((await shop.call<{ items: unknown[] }>('products.list')).items.length).toBeGreaterThan(0);
  });
});

/** Runs statements as the owner of the tables: one script, since the embedded database lets others in between two. */
async function asOwner(script: string): Promise<void> {
  await olympus.app.database.app.unsafe(`set role none; ${script}; set role olympus_app`).simple();
}
