import { contracts, type Role, type Session, type User } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nobodyFollows, procedures, startTestKernel, type TestKernel } from '../testing.ts';
import { users } from './procedures.ts';

const password = 'correct horse battery';
let olympus: TestKernel;
beforeAll(async () => {
  olympus = await startTestKernel({
    databaseUrl: process.env['TEST_DATABASE_URL'],
    procedures: ({ cursors, auth }) =>
      procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
  });
});
afterAll(() => olympus.close());

const by = ({ accessToken }: Session) => ({ token: accessToken });
const address = () => `${randomUUID()}@shop.test`;
const add = (session: Session, role: Role, over: object = {}) =>
  olympus.call<User>('users.create', { email: address(), name: 'Someone', role, password, ...over }, by(session));
const addSignedIn = async (session: Session, role: Role) => {
  const { email } = await add(session, role);
  return olympus.call<Session>('auth.login', { email, password });
};
const update = (session: Session, id: string, changes: object) =>
  olympus.call<User>('users.update', { id, ...changes }, by(session));
const refusedUpdate = (session: Session, id: string, changes: object) =>
  olympus.refusal('users.update', { id, ...changes }, by(session));

describe('what is their own', () => {
  test('name, address and password are, whatever the role; role, state and locations are not', async () => {
    const owner = await olympus.register();
    const viewer = await addSignedIn(owner, 'viewer');
    const { id } = viewer.user;
    const email = address();
    expect(await update(viewer, id.toUpperCase(), { name: 'Vic', email })).toMatchObject({ name: 'Vic', email });
    const forbidden = { code: 'FORBIDDEN', data: { permission: 'users:write' } };
    for (const changes of [{ role: 'viewer' }, { role: 'owner' }, { active: true }, { locationIds: [] }])
      expect(await refusedUpdate(viewer, id, changes), JSON.stringify(changes)).toEqual(forbidden);
    expect(await refusedUpdate(viewer, owner.user.id, { name: 'X' })).toEqual(forbidden);
    const whole = { id, email, name: 'V', role: 'viewer', active: true };
    expect(await olympus.refusal('users.replace', whole, by(viewer))).toEqual(forbidden);
    expect(await olympus.refusal('users.deactivate', { id }, by(viewer))).toEqual(forbidden);
    await update(viewer, id, { password: 'another long password' });
    await olympus.call('auth.login', { email, password: 'another long password' });
  });
});

describe('locations', () => {
  const open = async (owner: Session, name: string) => {
    const principal = await olympus.auth.authenticator.principalOf(owner.accessToken);
    const [row] = await olympus.database.transaction(principal?.tenantId ?? '', (db) =>
      db.rows<{ id: string }>(sql`
        insert into locations (tenant_id, id, name, created_at, updated_at)
        values (${db.tenantId}::uuid, gen_random_uuid(), ${name}, now(), now()) returning id`),
    );
    return row?.id ?? '';
  };

  test('are those of the tenant', async () => {
    const [owner, stranger] = [await olympus.register(), await olympus.register()];
    const [soho, foreign] = [await open(owner, 'Soho'), await open(stranger, 'Kew')];
    const missing = { code: 'LOCATION_NOT_FOUND', data: { id: foreign } };
    const { id } = await add(owner, 'staff', { locationIds: [soho, soho.toUpperCase()] });
    expect(await olympus.call('users.get', { id }, by(owner))).toMatchObject({ locationIds: [soho] });
    expect(await refusedUpdate(owner, id, { locationIds: [foreign] })).toEqual(missing);
    expect(await update(owner, id, { locationIds: [soho] })).toMatchObject({ version: 1 });
    const whole = { id, email: address(), name: 'W', role: 'staff', active: true };
    expect(await olympus.call('users.replace', whole, by(owner))).toMatchObject({ locationIds: [soho], version: 2 });
    expect(await update(owner, id, { locationIds: [] })).toMatchObject({ locationIds: [], version: 3 });
  });

  test('whoever is kept to some gives nobody more, and changes nobody who has more', async () => {
    const owner = await olympus.register();
    const [soho, kew] = [await open(owner, 'Soho'), await open(owner, 'Kew')];
    const { email, id } = await add(owner, 'admin', { locationIds: [soho] });
    const kept = await olympus.call<Session>('auth.login', { email, password });
    const refused = (locationId: string | null) => ({
      code: 'LOCATION_REFUSED',
      data: { locationId, allowed: [soho] },
    });
    const input = { email: address(), name: 'N', role: 'staff', password };
    expect(await olympus.refusal('users.create', input, by(kept))).toEqual(refused(null));
    expect(await olympus.refusal('users.create', { ...input, locationIds: [soho, kew] }, by(kept))).toEqual(
      refused(kew),
    );
    const mine = await add(kept, 'staff', { locationIds: [soho] });
    const other = await add(owner, 'staff', { locationIds: [kew] });
    expect(await update(kept, mine.id, { name: 'M' })).toMatchObject({ name: 'M' });
    expect(await refusedUpdate(kept, other.id, { password })).toEqual(refused(kew));
    expect(await olympus.refusal('users.deactivate', { id: other.id }, by(kept))).toEqual(refused(kew));
    expect(await refusedUpdate(kept, id, { locationIds: [] })).toEqual(refused(null));
    expect(await update(kept, id, { name: 'Me' })).toMatchObject({ name: 'Me' });
  });
});
