import { contracts, type Location, type Session } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { locations } from './procedures.ts';

let olympus: TestKernel;
let owner: Session;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors }) => procedures('locations', contracts.locations, locations({ cursors })),
  });
  owner = await olympus.register();
});
afterAll(() => olympus.close());

const call = <T = Location>(verb: string, input: object, session = owner) =>
  olympus.call<T>(`locations.${verb}`, input, { token: session.accessToken });
const refusal = (verb: string, input: object, session = owner) =>
  olympus.refusal(`locations.${verb}`, input, { token: session.accessToken });
const name = () => `Market ${randomUUID()}`;

test('a location is created active, patched and replaced', async () => {
  const input = { name: name(), address: '4 Harbour Lane' };
  const created = await call('create', input);
  expect(created).toMatchObject({ ...input, active: true, version: 1 });
  expect(await call('get', { id: created.id })).toEqual(created);
  const { id } = created;
  expect(await call('update', { id, active: false })).toMatchObject({ ...input, active: false, version: 2 });
  expect(await call('update', { id, address: null })).toMatchObject({ address: null, active: false, version: 3 });
  const other = name();
  expect(await call('replace', { id, name: other })).toMatchObject({
    name: other,
    address: null,
    active: true,
    version: 4,
  });
  expect(await refusal('replace', { id, name: other, expectedVersion: 3 })).toEqual({
    code: 'VERSION_CONFLICT',
    data: { currentVersion: 4 },
  });
});

test('a name is one location’s, in its tenant', async () => {
  const [first, second] = [await call('create', { name: name() }), await call('create', { name: name() })];
  const taken = { code: 'LOCATION_NAME_TAKEN', data: { name: first.name } };
  expect(await refusal('create', { name: first.name })).toEqual(taken);
  expect(await refusal('update', { id: second.id, name: first.name })).toEqual(taken);
  expect(await refusal('replace', { id: second.id, name: first.name })).toEqual(taken);
  expect(await call('create', { name: first.name }, await olympus.register())).toMatchObject({ name: first.name });
});

test('two tenants never see each other’s locations', async () => {
  const { id } = await call('create', { name: name() });
  const stranger = await olympus.register();
  const missing = { code: 'LOCATION_NOT_FOUND', data: { id } };
  expect(await refusal('get', { id }, stranger)).toEqual(missing);
  expect(await refusal('update', { id, active: false }, stranger)).toEqual(missing);
  expect(await refusal('replace', { id, name: 'Mine' }, stranger)).toEqual(missing);
  expect(await call('list', {}, stranger)).toMatchObject({ items: [] });
});

test('lists filter and search, by name unless told otherwise', async () => {
  const session = await olympus.register();
  await call('create', { name: 'Harbour', address: '4 Quay' }, session);
  const { id } = await call('create', { name: 'Annex', address: 'Quay 5' }, session);
  await call('update', { id, active: false }, session);
  const names = async (input: object) => {
    const { items } = await call<{ items: Location[] }>('list', input, session);
    return items.map((location) => location.name);
  };
  expect(await names({})).toEqual(['Annex', 'Harbour']);
  expect(await names({ active: true })).toEqual(['Harbour']);
  expect(await names({ q: 'quay 4' })).toEqual(['Harbour']);
});
