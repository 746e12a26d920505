import { contracts, type IssuedApiKey, type Session, type User } from '@olympus/contracts';
import { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apiKeys } from '../domains/api-keys/procedures.ts';
import { locations } from '../domains/locations/procedures.ts';
import { tenants } from '../domains/tenants/procedures.ts';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../domains/testing.ts';
import { users } from '../domains/users/procedures.ts';
import { accessCommand } from './access.ts';
import { adminCommand } from './admin.ts';

const password = 'correct horse battery';
const email = `${randomUUID()}@shop.test`;
let olympus: TestKernel;
let owner: Session;
let sam: User;
let soho: string;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ database, cursors, auth }) => [
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
      ...procedures('locations', contracts.locations, locations({ cursors })),
      ...procedures('apiKeys', contracts.apiKeys, apiKeys({ cursors })),
      ...procedures('tenants', contracts.tenants, tenants({ database, cursors, auth })),
    ],
  });
  owner = await olympus.register({ tenant: 'Tea House' });
  soho = (await call<{ id: string }>('locations.create', { name: 'Soho' })).id;
  sam = await call<User>('users.create', { email, name: 'Sam', role: 'staff', password, locationIds: [soho] });
});
afterAll(() => olympus.close());

const call = <T>(path: string, input: unknown) => olympus.call<T>(path, input, { token: owner.accessToken });

/** The commands within this process, on the database of the tests. */
async function run(
  args: string[],
  { chosen = null, verified = false }: { chosen?: string | null; verified?: boolean } = {},
): Promise<{ code: number; output: string }> {
  let output = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (output += String(text)) !== '');
  const open = () => Promise.resolve({ ...olympus.database, close: () => Promise.resolve() });
  const program = new Command('olympus');
  accessCommand(program, { open, requireVerifiedEmail: () => verified });
  adminCommand(program, { open, password: () => chosen, passwordKib: () => 1024 });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), output };
  } catch (error) {
    return { code: Number(process.exitCode ?? 1), output: output + (error as Error).message };
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}
const explain = (who: string, what: string) => run(['access', 'explain', who, what]);

describe('olympus access explain', () => {
  test('says where a permission comes from, and what is reached with it', async () => {
    const { code, output } = await explain(email.toUpperCase(), 'orders.list');
    expect(output).toContain(`${email} may call orders.list`);
    expect(output).toContain('ok  tenant      "Tea House" is active');
    expect(output).toContain(`ok  user        ${email} (${sam.id}), staff, is active`);
    expect(output).toContain(
      'ok  permission  orders:read comes with staff (held by viewer, staff, manager, admin, owner)',
    );
    expect(output).toContain(`locations   kept to ${soho}: of orders only theirs are seen and changed`);
    expect(output).toContain('sessions    none open: they have to sign in first');
    expect(code).toBe(0);
    await olympus.call('auth.login', { email, password });
    expect((await explain(sam.id, 'orders.list')).output).toContain('sessions    1 open');
  });

  test('ends with 1 and marks what is missing', async () => {
    const byRole = await explain(email, 'users.list');
    expect(byRole.output).toContain('NO  permission  users:read is held by manager, admin, owner, not by staff');
    expect(byRole.code).toBe(1);
    const byLocation = await explain(email, 'analytics.summary');
    expect(byLocation.output).toContain('ok  permission');
    expect(byLocation.output).toContain(`NO  locations   kept to ${soho}, and this is about all locations`);
    expect(byLocation.code).toBe(1);
  });

  test('tells what is theirs, and what is everybody’s', async () => {
    const own = await explain(email, 'users.update');
    expect(own.output).toContain('allowed by self:write for their own id, for no other');
    expect(own.code).toBe(0);
    expect((await explain(email, 'auth.login')).output).toContain('none is needed: it is public');
  });

  test('tells whom an unverified address holds back, where addresses must be verified', async () => {
    const strict = (path: string) => run(['access', 'explain', email, path], { verified: true });
    const held = await strict('orders.list');
    expect(held.output).toContain(
      `NO  address     ${email} is not verified: until then they reach only their own account`,
    );
    expect(held.code).toBe(1);
    const account = await strict('users.update');
    expect(account.output).toContain(`ok  address     ${email} is not verified, which this does not need`);
    expect(account.code).toBe(0);
    expect((await explain(email, 'orders.list')).output).not.toContain('address');
  });

  test('explains keys by id and prefix, with what their maker still holds', async () => {
    const input = { name: 'Till', scopes: ['orders:read', 'orders:export'] };
    const { apiKey } = await call<IssuedApiKey>('apiKeys.create', input);
    const allowed = await explain(apiKey.prefix, 'orders.list');
    expect(allowed.output).toContain(`the API key ${apiKey.prefix} ("Till") may call orders.list`);
    expect(allowed.output).toContain("orders:read is among the key's scopes, and its maker holds it as owner");
    expect(allowed.code).toBe(0);
    expect((await explain(apiKey.id, 'users.list')).output).toContain(
      "NO  permission  users:read is not among the key's scopes: orders:read, orders:export",
    );
    await call('apiKeys.revoke', { id: apiKey.id });
    const ended = await explain(apiKey.id, 'orders.list');
    expect(ended.output).toMatch(/NO {2}key {9}was revoked at/);
    expect(ended.code).toBe(1);
  });

  test('looks at the state of the user and of the tenant', async () => {
    const shop = await olympus.register({ tenant: 'Closed' });
    const { user } = shop;
    const as = { token: shop.accessToken };
    const gone = { email: `${randomUUID()}@shop.test`, name: 'G', role: 'staff', password };
    const { id } = await olympus.call<User>('users.create', gone, as);
    await olympus.call('users.deactivate', { id }, as);
    expect(await explain(id, 'orders.list')).toMatchObject({
      code: 1,
      output: expect.stringContaining('is not active'),
    });
    const admin = `${randomUUID()}@olympus.test`;
    await run(['admin', 'create', '--email', admin, '--name', 'Ada'], { chosen: password });
    const { accessToken: token } = await olympus.call<Session>('auth.login', { email: admin, password });
    const tenantId = (await olympus.auth.authenticator.principalOf(shop.accessToken))?.tenantId;
    await olympus.call('tenants.suspend', { id: tenantId, reason: 'Unpaid' }, { token });
    const { code, output } = await explain(user.id, 'orders.list');
    expect(output).toMatch(/NO {2}tenant {6}"Closed" is suspended since .*: Unpaid/);
    expect(code).toBe(1);
  });

  test('ends with 2 where there is nothing to explain', async () => {
    const mistyped = await explain(email, 'orders.lst');
    expect(mistyped).toEqual({ code: 2, output: 'there is no procedure orders.lst; the nearest is orders.list' });
    const unknown = await explain('nobody@shop.test', 'orders.list');
    expect(unknown).toEqual({ code: 2, output: 'there is no user and no API key nobody@shop.test' });
  });
});

describe('olympus admin create', () => {
  test('makes a user of the platform, whose password is shown once unless it was chosen', async () => {
    const address = `${randomUUID()}@olympus.test`;
    const args = ['admin', 'create', '--email', address, '--name', 'Ada'];
    const { code, output } = await run(args);
    expect(code).toBe(0);
    const [, made = ''] = /is a super_admin\. Password: (\S{24})\n$/.exec(output) ?? [];
    const session = await olympus.call<Session>('auth.login', { email: address, password: made });
    expect(session.user.role).toBe('super_admin');
    await olympus.call('tenants.list', {}, { token: session.accessToken });
    expect(await run(args)).toEqual({ code: 1, output: 'The e-mail address is in use' });
    const own = await run([...args.slice(0, 3), `2${address}`, '--name', 'Bea'], { chosen: password });
    expect(own).toEqual({ code: 0, output: `2${address} is a super_admin\n` });
    const short = await run([...args.slice(0, 3), `3${address}`, '--name', 'Cy'], { chosen: 'short' });
    expect(short.output).toContain('  password ');
  });
});
