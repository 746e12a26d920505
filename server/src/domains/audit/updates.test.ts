import type { AuditEvent } from '@olympus/contracts';
import { randomIds } from '../../platform/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropOldEntries } from '../../audit/retention.ts';
import { until } from '../../events/testing/installation.ts';
import { databases } from '../orders/testing.ts';
import { callerWith } from '../testing.ts';
import { password, startAudited, type AuditedKernel, type Office } from './testing.ts';

interface Item {
  readonly id: string;
  readonly data: AuditEvent;
}

describe.each(databases(process.env['TEST_DATABASE_URL']))('following the audit log on %s', (_, url) => {
  let olympus: AuditedKernel;
  beforeAll(async () => {
    olympus = await startAudited(url);
  });
  afterAll(() => olympus.close());

  /** Collects what a stream gives; ends with the test. */
  async function follow(office: Office, input: object = {}) {
    const procedure = olympus.kernel.byPath.get('audit.updates');
    if (!procedure) throw new Error('no such procedure');
    const controller = new AbortController();
    const { signal } = controller;
    const call = { procedure, caller: callerWith(office.token), input, signal, idempotencyKey: null };
    const stream = (await olympus.kernel.execute(call)) as AsyncIterable<Item>;
    const items: Item[] = [];
    const ended = (async () => {
      for await (const item of stream) items.push(item);
    })();
    ended.catch(() => {});
    const atLeast = async (count: number) => {
      await until(() => items.length >= count);
      return items;
    };
    return { items, ended, atLeast, end: () => controller.abort() };
  }
  const add = async (office: Office, count: number) => {
    for (let n = 0; n < count; n++) await office.call('locations.create', { name: `L${randomIds.next()}` });
  };
  const shown = (items: readonly Item[]) =>
    items.map(({ data }) => (data.type === 'audit.entry' ? data.entry.sequence : data.type));
  const tamper = (statement: string) => olympus.asSuperuser(`set session_replication_role = replica; ${statement}`);

  it('gives every entry once and in order, from now on or from an id', async () => {
    const [office, other] = [await olympus.open(), await olympus.open()];
    await add(office, 1);
    const stream = await follow(office);
    await add(office, 2);
    await add(other, 2);
    expect(shown(await stream.atLeast(3))).toEqual(['started', 3, 4]);
    const entry = stream.items[2]?.data;
    expect(entry?.type === 'audit.entry' && entry.entry).toEqual((await office.entries()).at(-1));
    const resumed = await follow(office, { lastEventId: stream.items[1]?.id });
    await add(office, 450);
    const items = await stream.atLeast(453);
    expect(shown(items).slice(1)).toEqual(Array.from({ length: 452 }, (__, n) => n + 3));
    expect((await resumed.atLeast(451)).map(({ id }) => id)).toEqual(items.slice(2).map(({ id }) => id));
    for (const one of [stream, resumed]) one.end();
  });

  it('is narrowed as the list is, and still told of what its entries are', async () => {
    const office = await olympus.open();
    const stream = await follow(office, { procedure: 'customers.create', outcome: 'success' });
    await add(office, 3);
    await office.call('customers.create', { name: 'Ada' });
    expect(shown(await stream.atLeast(2))).toEqual(['started', 5]);
    stream.end();
  });

  it('tells plainly where it cannot go on', async () => {
    const office = await olympus.open();
    const stream = await follow(office);
    await add(office, 4);
    const [, second, third] = await stream.atLeast(5);
    stream.end();
    const resetOf = async (lastEventId: string | undefined) => {
      const again = await follow(office, { lastEventId });
      const [item] = await again.atLeast(1);
      again.end();
      return item?.data.type === 'reset' ? item.data.reason : item?.data.type;
    };
    const foreign = await follow(await olympus.open());
    const [elsewhere] = await foreign.atLeast(1);
    foreign.end();
    expect(await resetOf('nonsense')).toMatch(/not one of ours/);
    expect(await resetOf(elsewhere?.id)).toMatch(/another log/);
    const rewritten = `tenant_id = '${office.tenantId}' and sequence = 3`;
    expect(await resetOf(third?.id)).toBe('audit.entry');
    await tamper(`update audit_entries set hash = decode(repeat('ab', 32), 'hex') where ${rewritten}`);
    expect(await resetOf(third?.id)).toMatch(/another log/);
    expect(await resetOf(second?.id)).toBe('audit.entry');
    await tamper(
      `update audit_entries set created_at = created_at - interval '1000 days' where tenant_id = '${office.tenantId}'`,
    );
    const { database, clock } = olympus;
    await dropOldEntries({ database, clock, ids: randomIds, days: 400 });
    expect(await resetOf(second?.id)).toMatch(/no longer kept/);
  });

  it('ends with its credential, and is for admins', async () => {
    const office = await olympus.open();
    const manager = await office.colleague('manager');
    expect(await olympus.refusal('audit.updates', {}, { token: manager.accessToken })).toMatchObject({
      code: 'FORBIDDEN',
      data: { permission: 'audit:read' },
    });
    const stream = await follow(office);
    olympus.clock.advance(3_600_000);
    await olympus.call('auth.login', { email: office.session.user.email, password });
    await expect(stream.ended).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(shown(stream.items)).toEqual(['started']);
  });
});
