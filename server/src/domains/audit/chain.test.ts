import type { AuditEntry } from '@olympus/contracts';
import { pgErrorCode, sql } from '@olympus/database';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../audit/chain.ts';
import { dropOldEntries } from '../../audit/retention.ts';
import { sealEntries } from '../../audit/seal.ts';
import { verifyAll, type KeptHead } from '../../audit/verify-all.ts';
import { randomIds } from '../../platform/ids.ts';
import { databases } from '../orders/testing.ts';
import { startAudited, type AuditedKernel, type Office } from './testing.ts';

const dayMs = 86_400_000;

describe.each(databases(process.env['TEST_DATABASE_URL']))('the chain of the audit log on %s', (_, url) => {
  let olympus: AuditedKernel;
  beforeAll(async () => {
    olympus = await startAudited(url);
  });
  afterAll(() => olympus.close());

  const add = (office: Office, count: number) =>
    Promise.all(Array.from({ length: count }, (__, n) => office.call('customers.create', { name: `Customer ${n}` })));
  /** What somebody does who owns the database and hides it. */
  const tamper = (statement: string) =>
    olympus.asSuperuser(`
      alter table audit_entries disable trigger audit_entries_guard; alter table audit_heads disable trigger audit_heads_guard;
      ${statement};
      alter table audit_entries enable trigger audit_entries_guard; alter table audit_heads enable trigger audit_heads_guard`);
  const refusalOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: unknown) => pgErrorCode(error),
    );

  it('has an entry for each of many mutations at once, without gaps, and anybody can compute its hashes', async () => {
    const office = await olympus.open();
    await add(office, 50);
    const entries = await office.entries();
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 51 }, (__, n) => n + 1));
    expect(new Set(entries.map(({ resourceId }) => resourceId)).size).toBe(51);
    let hash = createHash('sha256').update(office.tenantId).digest();
    for (const { hash: told, ...entry } of JSON.parse(JSON.stringify(entries)) as AuditEntry[]) {
      hash = createHash('sha256').update(hash).update(canonicalJson(entry)).digest();
      expect(told).toBe(hash.toString('hex'));
    }
    expect(await office.head()).toMatchObject({ sequence: 51, hash: hash.toString('hex'), startSequence: 0 });
    expect(await office.verify()).toMatchObject({ valid: true, checked: 51, fromSequence: 1, toSequence: 51 });
    expect(await office.verify({ fromSequence: 20, limit: 10 })).toMatchObject({
      valid: true,
      checked: 10,
      fromSequence: 20,
      toSequence: 29,
    });
  });

  it('holds even where several processes believe that they lead the sealing', async () => {
    const office = await olympus.open();
    const { systemDb } = olympus.database;
    for (let round = 0; round < 3; round++) {
      const sealing = Array.from({ length: 4 }, () => sealEntries(systemDb, new Date()));
      await Promise.all([add(office, 10), ...sealing.map((work) => work.catch(() => 0))]);
      await Promise.allSettled(Array.from({ length: 4 }, () => sealEntries(systemDb, new Date())));
    }
    expect(await office.head()).toMatchObject({ sequence: 31 });
    expect(await office.verify()).toMatchObject({ valid: true, checked: 31 });
  });

  it('cannot be changed by the program', async () => {
    const office = await olympus.open();
    await add(office, 2);
    await office.head();
    const { database } = olympus;
    const asTenant = (statement: ReturnType<typeof sql>) =>
      refusalOf(database.transaction(office.tenantId, (db) => db.rows(statement)));
    expect(await asTenant(sql`update audit_entries set code = 'X'`)).toBe('42501');
    expect(await asTenant(sql`delete from audit_entries`)).toBe('42501');
    expect(await asTenant(sql`truncate audit_entries`)).toBe('42501');
    expect(
      await asTenant(sql`
        insert into audit_entries (tenant_id, id, sequence, created_at, outcome, procedure, resource_type, count)
        values (${office.tenantId}::uuid, ${randomIds.next()}::uuid, 99, now(), 'success', 'x', 'x', 1)`),
    ).toBe('42501');
    const ofTenant = sql`where tenant_id = ${office.tenantId}::uuid`;
    const bySystem = (statement: ReturnType<typeof sql>) => refusalOf(database.systemDb.rows(statement));
    expect(await bySystem(sql`update audit_entries set code = 'X' ${ofTenant}`)).toBe('42501');
    expect(await bySystem(sql`update audit_entries set sequence = 99 ${ofTenant} and sequence = 1`)).toBe('42501');
    expect(await bySystem(sql`delete from audit_entries ${ofTenant}`)).toBe('42501');
    expect(await bySystem(sql`update audit_heads set sequence = 0 ${ofTenant}`)).toBe('42501');
    expect(await bySystem(sql`delete from audit_heads ${ofTenant}`)).toBe('42501');
    for (const table of ['audit_entries', 'audit_heads'])
      expect(await refusalOf(olympus.asSuperuser(`truncate ${table}`))).toBe('42501');
    expect(await office.verify()).toMatchObject({ valid: true, checked: 3 });
  });

  it.each([
    [
      'changes an entry',
      (t: string) => `update audit_entries set after = '{"total":0}' where ${t} and sequence = 4`,
      4,
    ],
    ['takes an entry out', (t: string) => `delete from audit_entries where ${t} and sequence = 3`, 3],
    [
      'exchanges two entries',
      (t: string) => `
        update audit_entries set sequence = 1000 where ${t} and sequence = 2;
        update audit_entries set sequence = 2 where ${t} and sequence = 5;
        update audit_entries set sequence = 5 where ${t} and sequence = 1000`,
      2,
    ],
    [
      'cuts the end, and the head',
      (t: string) => `
        delete from audit_entries where ${t} and sequence > 4;
        update audit_heads set sequence = 5 where ${t}`,
      5,
    ],
    ['turns the head back', (t: string) => `update audit_heads set sequence = 5 where ${t}`, 5],
    [
      'cuts the beginning, and says that retention did',
      (t: string) => `
        update audit_heads set start_sequence = 3, start_hash = (select hash from audit_entries where ${t} and sequence = 3)
        where ${t};
        delete from audit_entries where ${t} and sequence <= 3`,
      4,
    ],
  ])('names the first entry that is broken where a superuser %s', async (__, statement, brokenAt) => {
    const office = await olympus.open();
    await add(office, 5);
    expect(await office.head()).toMatchObject({ sequence: 6 });
    expect(await office.verify()).toMatchObject({ valid: true });
    await tamper(statement(`tenant_id = '${office.tenantId}'`));
    expect(await office.verify()).toMatchObject({ valid: false, brokenAt, reason: expect.any(String) });
  });

  it('tells a chain that was rewritten whole from the head that was kept of it', async () => {
    const office = await olympus.open();
    await add(office, 2);
    const { sequence, hash } = await office.head();
    const report = async (kept: KeptHead) => {
      const reports = [];
      for await (const one of verifyAll(olympus.database, { tenantId: office.tenantId, kept })) reports.push(one);
      return reports;
    };
    expect(await report({ sequence, hash })).toMatchObject([{ checked: 3, brokenAt: null, reason: null }]);
    await add(office, 1);
    await office.head();
    expect(await report({ sequence, hash })).toMatchObject([{ checked: 4, brokenAt: null }]);
    const another = hash.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    expect(await report({ sequence, hash: another })).toMatchObject([{ brokenAt: sequence }]);
    expect(await report({ sequence: 99, hash })).toMatchObject([{ brokenAt: 99 }]);
    const all = [];
    for await (const { tenantId } of verifyAll(olympus.database)) all.push(tenantId);
    expect(all).toContain(office.tenantId);
  });

  it('drops what is old, and goes on from a checkpoint that it tells of itself', async () => {
    const office = await olympus.open();
    const { database } = olympus;
    await add(office, 3);
    const old = await office.head();
    // So that entries of other tests are too young whenever this runs.
    const clock = { now: () => new Date(Date.now() + 30 * dayMs) };
    await tamper(
      `update audit_entries set created_at = created_at - interval '1000 days' where tenant_id = '${office.tenantId}'`,
    );
    expect(await dropOldEntries({ database, clock, ids: randomIds, days: 400 })).toBe(4);
    expect(await dropOldEntries({ database, clock, ids: randomIds, days: 400 })).toBe(0);
    await add(office, 2);
    const entries = await office.entries();
    expect(entries.map(({ sequence }) => sequence)).toEqual([5, 6, 7]);
    expect(entries[0]).toMatchObject({
      procedure: 'audit.retention',
      userId: null,
      input: { days: 400 },
      after: { sequence: 4, hash: old.hash },
    });
    expect(await office.head()).toMatchObject({ sequence: 7, startSequence: 4, startHash: old.hash });
    expect(await office.verify()).toMatchObject({ valid: true, checked: 3, fromSequence: 5 });
    await tamper(
      `update audit_entries set input = '{"days":1}' where tenant_id = '${office.tenantId}' and sequence = 5`,
    );
    expect(await office.verify()).toMatchObject({ valid: false, brokenAt: 5 });
  });
});

describe('denials', () => {
  let olympus: AuditedKernel;
  beforeAll(async () => {
    olympus = await startAudited(process.env['TEST_DATABASE_URL']);
  });
  afterAll(() => olympus.close());

  it('are written at once, and counted while they go on', async () => {
    const office = await olympus.open();
    const staff = await office.colleague('staff');
    const attempt = () => olympus.refusal('users.list', {}, { token: staff.accessToken });
    const counts = async () => (await office.entries({ outcome: 'denied' })).map(({ count }) => count);
    expect(await attempt()).toMatchObject({ code: 'FORBIDDEN' });
    expect(await office.entries({ outcome: 'denied' })).toMatchObject([
      { procedure: 'users.list', code: 'FORBIDDEN', userId: staff.user.id, count: 1, input: null },
    ]);
    await Promise.all(Array.from({ length: 200 }, attempt));
    expect(await counts()).toEqual([1]);
    olympus.clock.advance(61_000);
    await attempt();
    expect(await counts()).toEqual([1, 201]);
    // A denial of another kind is not part of the row.
    await olympus.refusal('users.update', { id: office.session.user.id, name: 'X' }, { token: staff.accessToken });
    await attempt();
    expect(await counts()).toEqual([1, 201, 1]);
  });

  it('are those of handlers too', async () => {
    const office = await olympus.open();
    const admin = await office.colleague('admin');
    const target = { id: office.session.user.id, name: 'X' };
    expect(await olympus.refusal('users.update', target, { token: admin.accessToken })).toMatchObject({
      code: 'ROLE_TOO_HIGH',
    });
    expect(await office.entries({ outcome: 'denied' })).toMatchObject([
      { code: 'ROLE_TOO_HIGH', procedure: 'users.update', resourceId: target.id, userId: admin.user.id },
    ]);
  });
});
