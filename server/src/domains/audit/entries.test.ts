import type { Customer, Order, Product, Session, User } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases } from '../orders/testing.ts';
import { password, startAudited, type AuditedKernel, type Office } from './testing.ts';

const gbp = (amount: string) => ({ amount, currency: 'USD' });

describe.each(databases(process.env['TEST_DATABASE_URL']))('entries of the audit log on %s', (_, url) => {
  let olympus: AuditedKernel;
  beforeAll(async () => {
    olympus = await startAudited(url);
  });
  afterAll(() => olympus.close());
  const last = async (office: Office, filters: object = {}) => (await office.entries(filters)).at(-1);

  it('tells who did what, where and when', async () => {
    const office = await olympus.open();
    const product = await office.call<Product>('products.create', { sku: 'MUG', name: 'Mug', price: gbp('4.95') });
    const entry = await last(office);
    expect(entry).toMatchObject({
      outcome: 'success',
      code: null,
      procedure: 'products.create',
      resourceType: 'product',
      resourceId: product.id,
      userId: office.session.user.id,
      apiKeyId: null,
      actorUserId: null,
      count: 1,
      input: { sku: 'MUG', name: 'Mug', price: gbp('4.95') },
      before: null,
      after: { id: product.id, active: true, version: 1 },
      protocol: 'rest',
      address: '127.0.0.1',
      requestId: expect.any(String),
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(Math.abs(Date.now() - (entry?.createdAt.getTime() ?? 0))).toBeLessThan(60_000);
    expect(await office.call('audit.get', { id: entry?.id })).toEqual(entry);
  });

  it('keeps what changed, as it was and as it is', async () => {
    const office = await olympus.open();
    const states = async () => {
      const { procedure, before, after } = (await last(office))!;
      return { procedure, before, after };
    };
    const mug = await office.call<Product>('products.create', { sku: 'A', name: 'A', price: gbp('1.00'), stock: 5 });
    await office.call('products.update', { id: mug.id, name: 'B', price: gbp('1.00') });
    expect(await states()).toEqual({
      procedure: 'products.update',
      before: { name: 'A', version: 1 },
      after: { name: 'B', version: 2 },
    });
    await office.call('products.adjustStock', { id: mug.id, delta: -2 });
    expect(await states()).toMatchObject({ before: { stock: 5, version: 2 }, after: { stock: 3, version: 3 } });
    const order = await office.call<Order>('orders.create', { items: [{ productId: mug.id, quantity: 1 }] });
    await office.call('orders.setStatus', { id: order.id, status: 'confirmed' });
    expect(await states()).toMatchObject({ before: { status: 'pending' }, after: { status: 'confirmed' } });
    await office.call('orders.cancel', { id: order.id, reason: 'broken' });
    expect(await states()).toMatchObject({
      procedure: 'orders.cancel',
      before: { status: 'confirmed', notes: null },
      after: { status: 'cancelled', notes: 'Cancelled: broken' },
    });
    await office.call('products.archive', { id: mug.id });
    expect(await states()).toMatchObject({ before: { active: true }, after: { active: false } });

    const customer = await office.call<Customer>('customers.create', { name: 'C', code: '12347' });
    await office.call('customers.replace', { id: customer.id, name: 'D', code: '12348' });
    expect(await states()).toEqual({
      procedure: 'customers.replace',
      before: { name: 'C', code: '12347', version: 1 },
      after: { name: 'D', code: '12348', version: 2 },
    });
    const place = await office.call<{ id: string }>('locations.create', { name: 'L' });
    await office.call('locations.update', { id: place.id, active: false });
    expect(await states()).toMatchObject({ before: { active: true }, after: { active: false } });

    const { user } = await office.colleague('staff');
    await office.call('users.update', { id: user.id, role: 'manager' });
    expect(await states()).toMatchObject({ before: { role: 'staff' }, after: { role: 'manager' } });
    await office.call('users.deactivate', { id: user.id });
    expect(await states()).toMatchObject({ before: { active: true }, after: { active: false } });
  });

  it('has one entry for a mutation whose answer is given again', async () => {
    const office = await olympus.open();
    const key = randomUUID();
    const input = { name: 'Once' };
    const first = await office.call('customers.create', input, key);
    expect(await office.call('customers.create', input, key)).toEqual(first);
    expect(await office.entries({ procedure: 'customers.create' })).toHaveLength(1);
  });

  it('has none for a mutation that was rolled back', async () => {
    const office = await olympus.open();
    await office.call('customers.create', { name: 'First', code: 'C1' });
    expect(await office.refusal('customers.create', { name: 'Second', code: 'C1' })).toMatchObject({
      code: 'CUSTOMER_CODE_TAKEN',
    });
    expect(await office.entries({ procedure: 'customers.create' })).toMatchObject([{ input: { name: 'First' } }]);
  });

  it('commits no state without its entry', async () => {
    const office = await olympus.open();
    await olympus.asSuperuser(
      `alter table audit_entries add constraint test_full check (procedure <> 'locations.create') not valid`,
    );
    try {
      expect(await office.refusal('locations.create', { name: 'Nowhere' })).toMatchObject({ code: 'INTERNAL' });
    } finally {
      await olympus.asSuperuser('alter table audit_entries drop constraint test_full');
    }
    expect(await office.call('locations.list')).toMatchObject({ items: [] });
  });

  it('knows sign-ins, good and bad, and who signed out', async () => {
    const office = await olympus.open();
    const { user } = office.session;
    expect(await office.entries()).toMatchObject([
      { procedure: 'auth.register', userId: user.id, resourceType: 'user', resourceId: user.id, outcome: 'success' },
    ]);
    const { accessToken } = await olympus.call<Session>('auth.login', { email: user.email, password });
    await olympus.refusal('auth.login', { email: user.email, password: 'wrong wrong wrong' });
    await expect
      .poll(() => office.entries({ procedure: 'auth.login' }))
      .toMatchObject([
        { outcome: 'success', userId: user.id, after: null },
        { outcome: 'denied', code: 'INVALID_CREDENTIALS', userId: user.id, count: 1, input: null },
      ]);
    await olympus.call('auth.logout', {}, { token: accessToken });
    expect(await last(office)).toMatchObject({ procedure: 'auth.logout', userId: user.id });
    await olympus.call('auth.validate', {}, { token: office.token });
    expect(await office.entries()).toHaveLength(4);
  });

  it('counts the content of an import, and keeps none of it', async () => {
    const office = await olympus.open();
    const content = 'number,sku,description,quantity,unitPrice,placedAt\n1,CANARY,Mug,1,2.00,2020-01-01T00:00:00Z\n';
    await office.call('orders.import', { content });
    const entry = await last(office);
    expect(entry).toMatchObject({ procedure: 'orders.import', after: { lines: 1, imported: 1, errors: { count: 0 } } });
    expect(JSON.stringify(entry)).not.toContain('CANARY');
  });

  it('cuts what is long', async () => {
    const office = await olympus.open();
    const mug = await office.call<Product>('products.create', { sku: 'A', name: 'A', price: gbp('1.00') });
    await office.call('orders.create', {
      items: Array.from({ length: 60 }, () => ({ productId: mug.id, quantity: 1 })),
      notes: 'short',
    });
    expect((await last(office))?.input).toEqual({
      items: expect.stringMatching(/^\[cut: \d{4} characters\]$/),
      notes: 'short',
    });
  });

  it('keeps no secret, whatever field it comes in', async () => {
    const office = await olympus.open();
    const canary = `canary-${randomUUID()}`;
    const email = `${randomUUID()}@shop.test`;
    const { id } = await office.call<User>('users.create', { email, name: 'Eve', role: 'staff', password: canary });
    const signedIn = await olympus.call<Session>('auth.login', { email, password: canary });
    await olympus.refusal('auth.login', { email, password: `${canary}-wrong` });
    await office.call('users.update', { id, password: `${canary}-new` });
    await office.call('customers.create', { name: `token ${signedIn.refreshToken}`, phone: 'x' });
    await olympus.call('auth.logout', { refreshToken: signedIn.refreshToken }, { token: office.token });
    await expect.poll(() => office.entries({ outcome: 'denied' })).toHaveLength(1);
    const text = JSON.stringify(await office.entries());
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(canary);
    for (const token of [signedIn.accessToken, signedIn.refreshToken, office.token])
      expect(text).not.toContain(token.slice(4));
    expect(text).not.toContain('argon2');
  });

  it('shows a tenant nothing of another', async () => {
    const [ours, theirs] = [await olympus.open(), await olympus.open()];
    const [entry] = await theirs.entries();
    expect(await ours.refusal('audit.get', { id: entry?.id })).toMatchObject({ code: 'AUDIT_ENTRY_NOT_FOUND' });
    expect((await ours.entries()).map(({ userId }) => userId)).toEqual([ours.session.user.id]);
    expect(await ours.entries({ userId: theirs.session.user.id })).toEqual([]);
  });

  it('is read by admins, and found by what they look for', async () => {
    const office = await olympus.open();
    const [staff, admin] = [await office.colleague('staff'), await office.colleague('admin')];
    const customer = await olympus.call<Customer>('customers.create', { name: 'C' }, { token: staff.accessToken });
    for (const path of ['audit.list', 'audit.head', 'audit.verify'])
      expect(await olympus.refusal(path, {}, { token: staff.accessToken })).toMatchObject({ code: 'FORBIDDEN' });
    const find = async (filters: object) => {
      const page = await olympus.call<{ items: { procedure: string }[] }>('audit.list', filters, {
        token: admin.accessToken,
      });
      return page.items.map(({ procedure }) => procedure);
    };
    expect(await find({ resourceId: customer.id })).toEqual(['customers.create']);
    expect(await find({ resourceType: 'customer' })).toEqual(['customers.create']);
    expect(await find({ userId: staff.user.id, outcome: 'success' })).toEqual(['customers.create', 'auth.login']);
    expect(await find({ outcome: 'denied' })).toEqual(['audit.verify', 'audit.head', 'audit.list']);
    expect(await find({ from: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(await find({ to: new Date(Date.now() - 60_000) })).toEqual([]);
    const first = await office.call<{ items: unknown[]; nextCursor: string }>('audit.list', { limit: 3 });
    const second = await office.call<{ items: unknown[] }>('audit.list', { limit: 100, cursor: first.nextCursor });
    expect([...first.items, ...second.items]).toEqual((await office.entries()).reverse());
  });
});
