import { allRoles, permissionsOf, type Role } from '@olympus/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, once, protocolNames, protocolsOf, tree } from './protocols.ts';
import { rowsOf } from './rows.ts';
import { classified, fieldsOf, generic, keptSamples, sampleOf, schemaOf } from './sample.ts';
import { makers, Shop, type Resource } from './shop.ts';
import { tableOf } from './snapshot.ts';
import type { Protocol } from './wire.ts';

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

const forbidden = ['role', 'tenantId', 'tenant_id', 'id', '__proto__', 'constructor', 'prototype'];

/** The paths of all objects in a sample, the whole first. */
function objectsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : [[...path]];
  return [...own, ...Object.entries(value).flatMap(([key, child]) => objectsIn(child, [...path, key]))];
}

/** A copy with a name more in the object at `path`. An own member even where it is `__proto__`. */
function smuggle(input: object, path: readonly string[], name: string): object {
  const copy = structuredClone(input);
  const target = path.reduce<object>((node, key) => (node as Record<string, object>)[key] ?? {}, copy);
  const value = name === 'role' ? 'owner' : name.includes('enant') ? shop.tenantId : { polluted: true };
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true });
  return copy;
}

it.each(protocolNames)('what no contract names is refused in every object of every input, over %s', async (name) => {
  const protocol = protocols.find((one) => one.name === name);
  const members = Object.getOwnPropertyNames(Object.prototype).sort();
  const samples = new Map<string, object>();
  for (const [path] of tree) samples.set(path, await kept(path));
  const before = await rowsOf(olympus.app.database, shop.tenantId);
  let attacks = 0;
  // Two protocols get every name, the others the names in turn.
  const share = name === 'REST' || name === 'tRPC' ? forbidden.length : 2;
  let turn = 0;
  for (const [path, input] of samples) {
    if (!protocol || !carries(protocol, path)) continue;
    const known = new Set(fieldsOf(schemaOf(path, 'input')).map((field) => field.path));
    for (const at of objectsIn(input))
      for (const extra of Array.from({ length: share }, () => forbidden[turn++ % forbidden.length] ?? '')) {
        if (known.has(generic([...at, extra].join('.')))) continue;
        const answer = await protocol.call({ path, input: smuggle(input, at, extra), token: shop.tokenFor(path) });
        const told = `${path} with ${[...at, extra].join('.')} over ${name}: ${answer.text.slice(0, 300)}`;
        expect([answer.status, answer.code], told).toEqual([400, 'INVALID_INPUT']);
        attacks++;
      }
  }
  expect(attacks).toBeGreaterThan(share * 35);
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(members);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(await rowsOf(olympus.app.database, shop.tenantId)).toEqual(before);
});

it('what each role is answered holds the fields that were reviewed, and no others', async () => {
  const protocol = protocols.find((one) => one.name === 'tRPC');
  if (!protocol) throw new Error('no tRPC');
  const rows: string[][] = [];
  for (const [path, { def, kind }] of tree) {
    if (classified(path).refused) continue;
    const byKeys = new Map<string, string[]>();
    for (const role of allRoles) {
      if (def.access !== 'public' && !permissionsOf[role].has(def.access)) continue;
      if (def.access === 'public' && role !== 'owner') continue;
      const keys = await keysFor(path, role);
      byKeys.set(keys, [...(byKeys.get(keys) ?? []), role]);
    }
    for (const [keys, who] of byKeys)
      rows.push([path, kind === 'mutation' && def.access === 'public' ? 'anybody' : who.join(', '), keys || 'nothing']);
  }
  const intro = [
    '# What an answer holds',
    '',
    'The fields of a successful answer by role, as the server sent them. `npx pnpm test:security',
    'test/security/mass-assignment.test.ts -u` writes it anew.',
    '',
  ];
  const text = [...intro, ...tableOf(['procedure', 'roles', 'fields'], rows)].join('\n');
  expect(text).not.toMatch(/tenant_id/i);
  // The chain of the audit log is made of hashes; those of secrets leave nowhere.
  const hashes = rows.filter(([, , fields]) => /hash/i.test(fields ?? '')).map(([path]) => path);
  expect(hashes.filter((path) => !path?.startsWith('audit.'))).toEqual([]);
  // The secret of a key or an endpoint is shown where it is made, and nowhere else.
  const secret = rows.filter(([, , fields]) => /secret(?!s)/i.test(fields ?? '')).map(([path]) => path);
  expect(new Set(secret)).toEqual(
    new Set(['apiKeys.create', 'apiKeys.rotate', 'webhooks.create', 'webhooks.rotateSecret']),
  );
  await expect(`${text}\n`).toMatchFileSnapshot('response-fields.md');

  async function keysFor(path: string, role: Role): Promise<string> {
    const token = role === 'owner' ? shop.token : (await shop.as(role)).accessToken;
    if (tree.get(path)?.kind === 'subscription' && !tree.get(path)?.def.download) {
      const answer = await once(protocol!.follow({ path, input: {}, token }));
      expect(answer.code, `${path} ${answer.text}`).toBe('OK');
      return 'events';
    }
    const over = tree.get(path)?.def.download ? protocols.find((one) => one.name === 'REST') : protocol;
    const answer = await over!.call({ path, input: await sampleOf(path, shop), token });
    // Sessions and notifications are their user’s own, a message its writer’s, and the owner’s key is changed by nobody below them.
    const refusals = ['SESSION_NOT_FOUND', 'NOTIFICATION_NOT_FOUND', 'ROLE_TOO_HIGH', 'FORBIDDEN'];
    if (role !== 'owner' && refusals.includes(answer.code)) return '';
    expect(answer.code, `${path} as ${role}: ${answer.text}`).toBe('OK');
    if (typeof answer.value === 'string') return answer.value.split(/\r?\n/)[0]?.replaceAll(',', ', ') ?? '';
    const keys = [...new Set(keysOf(answer.value))];
    // What is an object in one item and null in another is told by its fields, whichever items there happen to be.
    return keys
      .filter((key) => !keys.some((other) => other.startsWith(`${key}.`)))
      .sort()
      .join(', ');
  }
});

function* keysOf(value: unknown, path = ''): Generator<string> {
  if (Array.isArray(value)) {
    const seen = new Set(value.flatMap((item) => [...keysOf(item, `${path}[]`)]));
    yield* seen;
  } else if (typeof value === 'object' && value !== null)
    for (const [key, child] of Object.entries(value)) yield* keysOf(child, path ? `${path}.${key}` : key);
  else if (path) yield path;
}
