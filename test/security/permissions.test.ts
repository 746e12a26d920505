import { allRoles, permissionsOf, type Role } from '@olympus/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolNames, protocolsOf, tree } from './protocols.ts';
import { tableOf } from './snapshot.ts';
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

const people = ['nobody', ...allRoles] as const;
const tokenOf = async (who: 'nobody' | Role): Promise<string | null> =>
  who === 'nobody' ? null : who === 'owner' ? shop.token : (await shop.as(who)).accessToken;

/** No input has such a field, so that whoever may call is told of it, and nothing is done. */
const nonsense = { thisFieldDoesNotExist: true };

const found = new Map<string, string>();
const place = (path: string, who: string) => `${path} ${who}`;

it.each(protocolNames)('each role may call exactly what its permissions say, over %s', async (name) => {
  const protocol = protocols.find((one) => one.name === name);
  const faults: string[] = [];
  for (const [path, { def }] of tree) {
    if (!protocol || !carries(protocol, path)) continue;
    for (const who of people) {
      const { code, status } = await protocol.call({ path, input: nonsense, token: await tokenOf(who) });
      const allowed = def.access === 'public' || (who !== 'nobody' && permissionsOf[who].has(def.access));
      const expected = allowed ? 'INVALID_INPUT 400' : who === 'nobody' ? 'UNAUTHENTICATED 401' : 'FORBIDDEN 403';
      if (`${code} ${status}` !== expected)
        faults.push(`${path} for ${who} over ${name}: ${code} ${status}, not ${expected}`);
      const shown = code === 'INVALID_INPUT' ? 'yes' : '';
      const before = found.get(place(path, who));
      if (before !== undefined && before !== shown) faults.push(`${path} for ${who} differs over ${name}`);
      found.set(place(path, who), shown);
    }
  }
  expect(faults).toEqual([]);
});

it('the matrix is the one that was reviewed', async () => {
  const rows = [...tree].map(([path, { def }]) => [
    path,
    def.access,
    ...people.map((who) => found.get(place(path, who)) ?? '?'),
  ]);
  const intro = [
    '# Who may call what',
    '',
    'As the server answers, on every protocol alike. A change of a permission changes this table; `npx pnpm test:security',
    'test/security/permissions.test.ts -u` writes it anew.',
    '',
  ];
  await expect(
    `${[...intro, ...tableOf(['procedure', 'permission', ...people], rows)].join('\n')}\n`,
  ).toMatchFileSnapshot('matrix.md');
});
