import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from 'drizzle-orm';
import { createClient } from './client.ts';
import { startEmbedded, type Embedded } from './embedded/start.ts';
import { Session } from './session.ts';
import { compile } from './statement.ts';
import { makeFolder } from './testing/databases.ts';

const folder = makeFolder();
const silent = { info() {}, warn() {}, error() {} };
const timeoutMs = 5000;
let embedded: Embedded;

beforeAll(async () => {
  embedded = await startEmbedded(folder.path, silent);
});
afterAll(async () => {
  await embedded.close();
  folder.remove();
});

describe('a session', () => {
  it('answers at once after its connection broke with a statement on its way', async () => {
    let socket: Duplex | undefined;
    const session = new Session(
      ({ track, onClose }) =>
        createClient({
          url: undefined,
          socket: () => (socket = track(embedded.socket())),
          connection: {},
          connections: 1,
          connectTimeoutMs: timeoutMs,
          onClose,
        }),
      timeoutMs,
    );
    const one = compile(sql`select 1 as one`);
    await session.run(one);
    const outcomes: unknown[] = [];
    for (let turns = 0; turns < 8; turns++) {
      const cut = session.run(one).catch((error: unknown) => error);
      // The driver keeps a statement back until the end of the turn; somewhere here it has it and has not sent it.
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      socket?.destroy(new Error('the socket broke'));
      outcomes.push(await cut);
      session.renew();
      expect((await session.run(one)).rows).toEqual([{ one: 1 }]);
    }
    expect(outcomes.filter((outcome) => outcome instanceof Error).length).toBeGreaterThan(0);
    await session.end(1);
  }, 60_000);
});
