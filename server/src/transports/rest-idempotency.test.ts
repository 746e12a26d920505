import { openDatabase, type Database } from '@olympus/database';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRest, type TestServer } from './testing/rest-server.ts';

let folder: string;
let database: Database;
let rest: TestServer;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olympus-rest-'));
  database = await openDatabase({ dataDir: folder });
  rest = await startRest({
    database,
    handlers: {
      create: ({ input }) => {
        made++;
        return Promise.resolve({
          id: `01890a5d-ac96-774b-bcce-00000000000${made}`,
          name: input.name,
          price: input.price,
          firedAt: new Date('2010-12-01T08:26:00Z'),
          version: 1,
        });
      },
    },
  });
});
afterAll(async () => {
  await rest.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const post = (key: string, body: object) => rest.send('POST /mugs', { body, headers: { 'idempotency-key': key } });

describe('an idempotency key', () => {
  it('replays the first answer, its status and headers included', async () => {
    const first = await post('key-1', { name: 'red', price: '2.00' });
    const again = await post('key-1', { price: '2.00', name: 'red' });
    expect(made).toBe(1);
    expect(first.status).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.status).toBe(201);
    expect(again.text).toBe(first.text);
    for (const name of ['location', 'etag', 'content-type']) expect(again.headers[name]).toBe(first.headers[name]);
  });

  it('is good for one input', async () => {
    const other = await post('key-1', { name: 'green' });
    expect(other.json).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('is refused while its first call runs', async () => {
    const both = await Promise.all([post('key-2', { name: 'x' }), post('key-2', { name: 'x' })]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409]);
  });

  it('is visible ASCII', async () => {
    const answer = await post('a b', { name: 'x' });
    expect(answer.json).toMatchObject({ status: 400, errors: [{ field: 'Idempotency-Key' }] });
  });
});
