import { contracts, type Customer, type Session } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { customers } from './procedures.ts';

let olympus: TestKernel;
let owner: Session;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors }) =>
      procedures('customers', contracts.customers, customers({ cursors, follow: nobodyFollows })),
  });
  owner = await olympus.register();
});
afterAll(() => olympus.close());

const call = <T = Customer>(verb: string, input: object, session = owner) =>
  olympus.call<T>(`customers.${verb}`, input, { token: session.accessToken });
const refusal = (verb: string, input: object, session = owner) =>
  olympus.refusal(`customers.${verb}`, input, { token: session.accessToken });
const full = () => ({ code: randomUUID(), name: 'Ada', email: 'ada@home.test', phone: '+44 20', country: 'France' });

test('what is created can be read; what is not given is empty', async () => {
  const input = full();
  const created = await call('create', { ...input, email: 'ADA@home.test' });
  expect(created).toEqual({
    id: expect.any(String),
    ...input,
    version: 1,
    createdAt: expect.any(Date),
    updatedAt: created.createdAt,
  });
  expect(await call('get', { id: created.id })).toEqual(created);
  const bare = await call('create', { name: 'Bare' });
  expect(bare).toMatchObject({ code: null, email: null, phone: null, country: null });
});

test('a patch changes what is named: absent stays, null empties', async () => {
  const created = await call('create', full());
  const patched = await call('update', { id: created.id, name: 'Eve', phone: null });
  expect(patched).toEqual({ ...created, name: 'Eve', phone: null, version: 2, updatedAt: expect.any(Date) });
  expect(await call('update', { id: created.id, email: undefined })).toEqual(patched);
});

test('a replacement is the whole: absent becomes empty', async () => {
  const created = await call('create', full());
  const replaced = await call('replace', { id: created.id, name: 'Only' });
  expect(replaced).toMatchObject({ name: 'Only', code: null, email: null, phone: null, country: null, version: 2 });
  expect(replaced.createdAt).toEqual(created.createdAt);
});

test('a change meant for another version is refused with the current one', async () => {
  const { id } = await call('create', full());
  await call('update', { id, name: 'Two', expectedVersion: 1 });
  const conflict = { code: 'VERSION_CONFLICT', data: { currentVersion: 2 } };
  expect(await refusal('update', { id, name: 'Three', expectedVersion: 1 })).toEqual(conflict);
  expect(await refusal('update', { id, expectedVersion: 1 })).toEqual(conflict);
  expect(await refusal('replace', { id, name: 'Three', expectedVersion: 3 })).toEqual(conflict);
  expect(await call('update', { id, expectedVersion: 2 })).toMatchObject({ name: 'Two', version: 2 });
});

test('of changes at once that expect one version, one is made', async () => {
  const { id } = await call('create', full());
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => call('update', { id, name: `N${i}`, expectedVersion: 1 })),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await call('get', { id })).toMatchObject({ version: 2 });
});

test('a code is one customer’s, in its tenant', async () => {
  const { code } = await call('create', full());
  const taken = { code: 'CUSTOMER_CODE_TAKEN', data: { code } };
  expect(await refusal('create', { name: 'Other', code })).toEqual(taken);
  const other = await call('create', full());
  expect(await refusal('update', { id: other.id, code })).toEqual(taken);
  expect(await refusal('replace', { id: other.id, name: 'Other', code })).toEqual(taken);
  expect(await call('get', { id: other.id })).toEqual(other);
  expect(await call('create', { name: 'Elsewhere', code }, await olympus.register())).toMatchObject({ code });
});

test('two tenants never see each other’s customers', async () => {
  const { id } = await call('create', full());
  const stranger = await olympus.register();
  const missing = { code: 'CUSTOMER_NOT_FOUND', data: { id } };
  expect(await refusal('get', { id }, stranger)).toEqual(missing);
  expect(await refusal('update', { id, name: 'Mine' }, stranger)).toEqual(missing);
  expect(await refusal('update', { id }, stranger)).toEqual(missing);
  expect(await refusal('replace', { id, name: 'Mine' }, stranger)).toEqual(missing);
  expect(await call('list', { withTotal: true }, stranger)).toMatchObject({ items: [], totalCount: 0 });
  expect(await call('get', { id })).toMatchObject({ name: 'Ada', version: 1 });
});

test('lists filter, search, sort and page', async () => {
  const session = await olympus.register();
  for (const [name, code, country] of [
    ['Cäcilie 50%', 'X-1', 'Germany'],
    ['bob', '12347', 'France'],
    ['Ann Bob', null, 'France'],
  ] as const)
    await call('create', { name, country, ...(code && { code }) }, session);
  const names = async (input: object) => {
    const { items } = await call<{ items: Customer[] }>('list', input, session);
    return items.map(({ name }) => name);
  };
  expect(await names({})).toEqual(['Ann Bob', 'bob', 'Cäcilie 50%']);
  expect(await names({ sort: 'createdAt' })).toEqual(['Cäcilie 50%', 'bob', 'Ann Bob']);
  expect(await names({ country: 'Germany' })).toEqual(['Cäcilie 50%']);
  expect(await names({ q: 'BOB', sort: 'createdAt' })).toEqual(['bob', 'Ann Bob']);
  expect(await names({ q: '1234' })).toEqual(['bob']);
  expect(await names({ q: 'bob ann' })).toEqual(['Ann Bob']);
  expect(await names({ q: '%' })).toEqual(['Cäcilie 50%']);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await call<{ items: Customer[]; nextCursor: string | null }>('list', { limit: 1, cursor }, session);
    seen.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual(['Ann Bob', 'bob', 'Cäcilie 50%']);
});
