import type { ConsumerStanding, DeadLetterDetails } from '@olympus/contracts';
import { sql } from '@olympus/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../events/testing/installation.ts';
import { standingOf } from '../../events/consumers/standing.ts';
import { offsetOf, parkedOf } from '../../events/consumers/testing.ts';
import { randomIds } from '../../platform/ids.ts';
import { databases } from '../orders/testing.ts';
import { consumer, startConsuming, type ConsumingKernel, type Desk } from './testing.ts';

describe.each(databases(process.env['TEST_DATABASE_URL']))('dead letters and replays on %s', (_, url) => {
  let olympus: ConsumingKernel;
  beforeAll(async () => {
    olympus = await startConsuming(url);
  }, 60_000);
  afterAll(() => olympus.close());

  const notesGiven = (desk: Desk) => desk.given.map(({ notes }) => notes);
  const parked = (desk: Desk) => parkedOf(olympus.database, desk.tenantId, consumer);

  it('show what failed, why, how often, and by which call', async () => {
    const desk = await olympus.open();
    const orderId = randomIds.next();
    const { deadLetter, payload, heldBehind } = await desk.kill('bad', orderId);
    expect(deadLetter).toMatchObject({
      consumer,
      state: 'dead',
      type: 'order.created',
      subjectId: orderId,
      replayId: null,
      attempts: 2,
      error: 'Error: the partner refuses bad',
      requestId: 'test',
      editedBy: null,
      nextAttemptAt: null,
    });
    expect(deadLetter.failedAt).toBeInstanceOf(Date);
    expect(payload).toMatchObject({ type: 'order.created', orderId, order: { notes: 'bad' } });
    expect(heldBehind).toBe(0);
    await desk.write('next', orderId);
    await until(async () => (await desk.letters({ state: 'held' })).length === 1);
    expect(await desk.letters({ type: 'order.updated' })).toEqual([]);
    expect(await desk.letters({ subjectId: orderId, consumer })).toHaveLength(1);
  });

  it('are counted with what a consumer has not come to, of its tenant alone', async () => {
    const [desk, other] = [await olympus.open(), await olympus.open()];
    const standing = async (of: typeof desk) =>
      (await of.call<{ items: ConsumerStanding[] }>('events.consumers')).items;
    const types = ['order.created', 'order.updated'];
    const untold = { consumer, behind: 0, since: null, dead: 0, retrying: 0, held: 0 };
    const nothing = { ...untold, types };
    await until(async () => (await standing(other))[0]?.behind === 0);
    const orderId = randomIds.next();
    await desk.kill('bad', orderId);
    await desk.write('next', orderId);
    await until(async () => (await standing(desk))[0]?.held === 1);
    expect(await standing(desk)).toEqual([{ ...nothing, dead: 1, held: 1 }]);
    expect(await standing(other)).toEqual([nothing]);
    // Somebody who has not begun has the whole log before them.
    const [log] = await olympus.database.systemDb.rows<{ count: number; since: Date }>(sql`
      select count(*)::int as count, min(created_at) as since from events where tenant_id = ${desk.tenantId}::uuid`);
    const [newcomer] = await standingOf(olympus.database.tenant(desk.tenantId), ['newcomer']);
    expect(newcomer).toEqual({ ...untold, consumer: 'newcomer', behind: log?.count, since: log?.since });
    await other.write('theirs', randomIds.next());
    const ofAll = () => standingOf(olympus.database.systemDb, [consumer, 'newcomer']);
    await until(async () => ((await ofAll())[1]?.behind ?? 0) > (log?.count ?? 0));
    expect((await ofAll())[0]?.dead).toBeGreaterThanOrEqual(1);
    const colleague = await desk.colleague('staff');
    expect(await desk.refusal('events.consumers', undefined, colleague.accessToken)).toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('are tried again when told, after a dry run that only says so, and what waited follows in order', async () => {
    const desk = await olympus.open();
    const orderId = randomIds.next();
    const { deadLetter } = await desk.kill('bad', orderId);
    await desk.write('second', orderId);
    await desk.write('third', orderId);
    await until(async () => (await desk.letters({ state: 'held' })).length === 2);
    desk.failing.clear();
    expect(await desk.call('events.deadLetters.redrive', {})).toMatchObject({
      dryRun: true,
      count: 1,
      heldBehind: 2,
      deadLetters: [{ id: deadLetter.id }],
    });
    expect(await desk.letters()).toHaveLength(1);
    const missing = randomIds.next();
    expect(await desk.refusal('events.deadLetters.redrive', { ids: [deadLetter.id, missing], dryRun: false })).toEqual({
      code: 'DEAD_LETTER_NOT_FOUND',
      data: { id: missing },
    });
    const [held] = await desk.letters({ state: 'held' });
    expect(await desk.refusal('events.deadLetters.redrive', { ids: [held?.id] })).toMatchObject({
      code: 'DEAD_LETTER_NOT_DEAD',
    });
    const other = { type: 'order.updated', dryRun: false };
    expect(await desk.call('events.deadLetters.redrive', other)).toMatchObject({ dryRun: false, count: 0 });
    const told = await desk.call('events.deadLetters.redrive', { ids: [deadLetter.id], dryRun: false });
    expect(told).toMatchObject({ dryRun: false, count: 1 });
    await until(async () => (await parked(desk)).length === 0);
    expect(notesGiven(desk)).toEqual(['bad', 'bad', 'bad', 'second', 'third']);
  });

  it('become dead letters again where they still fail', async () => {
    const desk = await olympus.open();
    const { deadLetter } = await desk.kill('bad', randomIds.next());
    await desk.call('events.deadLetters.redrive', { dryRun: false });
    await until(() => desk.given.length === 4);
    await until(async () => (await desk.letters()).length === 1);
    expect((await desk.letters())[0]).toMatchObject({ id: deadLetter.id, attempts: 2 });
  });

  it('can be given other content, of the same type and subject', async () => {
    const desk = await olympus.open();
    const { deadLetter, payload } = await desk.kill('bad', randomIds.next());
    const { id, version } = deadLetter;
    const order = { ...(payload['order'] as object), notes: 'mended' };
    const change = (content: object, rest: object = {}) => ({ id, payload: content, ...rest });
    const fields = async (content: object) => {
      const { data } = await desk.refusal('events.deadLetters.update', change(content));
      return (data as { issues: { field: string }[] }).issues.map(({ field }) => field);
    };
    expect(await fields({ ...payload, type: 'order.updated' })).toEqual(['payload.type']);
    expect(await fields({ ...payload, orderId: randomIds.next() })).toEqual(['payload.orderId']);
    expect(await fields({ ...payload, order: { ...order, status: 'lost' } })).toEqual(['payload.order.status']);
    expect(await fields({ ...payload, order: { ...order, colour: 'red' } })).toEqual(['payload.order.colour']);
    const stale = change({ ...payload, order }, { expectedVersion: version + 7 });
    expect(await desk.refusal('events.deadLetters.update', stale)).toMatchObject({ code: 'VERSION_CONFLICT' });
    const changed = await desk.call<DeadLetterDetails>('events.deadLetters.update', change({ ...payload, order }));
    expect(changed.deadLetter).toMatchObject({ version: version + 1, editedBy: desk.session.user.id });
    await desk.call('events.deadLetters.redrive', { dryRun: false });
    await until(async () => (await parked(desk)).length === 0);
    expect(notesGiven(desk).at(-1)).toBe('mended');
  });

  it('can be discarded, and what waits behind goes on', async () => {
    const desk = await olympus.open();
    const orderId = randomIds.next();
    const { deadLetter } = await desk.kill('bad', orderId);
    await desk.write('after', orderId);
    await until(async () => (await desk.letters({ state: 'held' })).length === 1);
    const [held] = await desk.letters({ state: 'held' });
    expect(await desk.refusal('events.deadLetters.discard', { id: held?.id })).toEqual({
      code: 'DEAD_LETTER_NOT_DEAD',
      data: { state: 'held' },
    });
    await desk.call('events.deadLetters.discard', { id: deadLetter.id });
    await until(() => notesGiven(desk).includes('after'));
    await until(async () => (await parked(desk)).length === 0);
    const { id } = deadLetter;
    expect(await desk.refusal('events.deadLetters.get', { id })).toEqual({
      code: 'DEAD_LETTER_NOT_FOUND',
      data: { id },
    });
  });

  it('replay a part of the log beside what is new, and leave the offset alone', async () => {
    const desk = await olympus.open();
    const orderId = randomIds.next();
    for (const notes of ['one', 'two', 'three']) await desk.write(notes, orderId);
    await until(() => desk.given.length === 3);
    await until(async () => (await offsetOf(olympus.database, desk.tenantId, consumer)) === 3);
    const [second] = await olympus.database.tenant(desk.tenantId).rows<{ at: Date }>(sql`
      select created_at as at from events where tenant_id = ${desk.tenantId}::uuid and position = 2`);
    const range = { consumer, from: second?.at, types: ['order.created'] };
    expect(await desk.call('events.replay', range)).toEqual({ dryRun: true, replayId: null, consumer, count: 2 });
    expect(desk.given).toHaveLength(3);
    const { replayId, count } = await desk.call<{ replayId: string; count: number }>('events.replay', {
      ...range,
      dryRun: false,
    });
    expect(count).toBe(2);
    await until(() => desk.given.length === 5);
    expect(desk.given.slice(3)).toEqual([
      { notes: 'two', attempt: 1, replayId },
      { notes: 'three', attempt: 1, replayId },
    ]);
    expect(await offsetOf(olympus.database, desk.tenantId, consumer)).toBe(3);
    await desk.write('four', orderId);
    await until(() => desk.given.length === 6);
    expect(desk.given[5]).toMatchObject({ notes: 'four', replayId: null });
  });

  it('a replay that fails holds back nothing of the log, and has dead letters of its own', async () => {
    const desk = await olympus.open();
    const orderId = randomIds.next();
    await desk.write('first', orderId);
    await until(() => desk.given.length === 1);
    desk.failing.add('first');
    const { replayId } = await desk.call<{ replayId: string }>('events.replay', { consumer, dryRun: false });
    await until(async () => (await desk.letters()).length === 1);
    expect((await desk.letters())[0]).toMatchObject({ replayId });
    await desk.write('live', orderId);
    await until(() => notesGiven(desk).includes('live'));
    await until(async () => (await offsetOf(olympus.database, desk.tenantId, consumer)) === 2);
  });

  it('name what cannot be replayed', async () => {
    const desk = await olympus.open();
    const refusal = (input: object) => desk.refusal('events.replay', input);
    expect(await refusal({ consumer: 'nobody' })).toEqual({ code: 'CONSUMER_NOT_FOUND', data: { id: 'nobody' } });
    expect(await refusal({ consumer, types: ['products.imported'] })).toMatchObject({
      code: 'INVALID_INPUT',
      data: {
        issues: [{ field: 'types', message: expect.stringContaining('order.created, order.updated') as string }],
      },
    });
    const at = new Date();
    expect(await refusal({ consumer, from: at, to: at })).toMatchObject({ data: { issues: [{ field: 'to' }] } });
    expect(await desk.call('events.replay', { consumer, dryRun: false })).toMatchObject({ count: 0, replayId: null });
  });

  it('are for admins, of their own tenant, and leave a trace', async () => {
    const [desk, other] = [await olympus.open(), await olympus.open()];
    const { deadLetter } = await desk.kill('bad', randomIds.next());
    const { id } = deadLetter;
    for (const path of ['get', 'discard'])
      expect(await other.refusal(`events.deadLetters.${path}`, { id })).toMatchObject({
        code: 'DEAD_LETTER_NOT_FOUND',
      });
    expect(await other.letters()).toEqual([]);
    expect(await other.refusal('events.deadLetters.redrive', { ids: [id], dryRun: false })).toMatchObject({
      code: 'DEAD_LETTER_NOT_FOUND',
    });
    expect(await other.call('events.deadLetters.redrive', { dryRun: false })).toMatchObject({ count: 0 });
    const { accessToken } = await desk.colleague('manager');
    expect(await desk.refusal('events.deadLetters.get', { id }, accessToken)).toMatchObject({
      code: 'FORBIDDEN',
      data: { permission: 'events:manage' },
    });
    await desk.call('events.deadLetters.discard', { id });
    const entries = await olympus.database.tenant(desk.tenantId).rows(sql`
      select procedure, resource_id as id, before ->> 'error' as error from audit_entries
      where tenant_id = ${desk.tenantId}::uuid and procedure like 'events.%' and outcome = 'success'`);
    expect(entries).toEqual([{ procedure: 'events.deadLetters.discard', id, error: 'Error: the partner refuses bad' }]);
  });
});
