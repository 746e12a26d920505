import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStore, registerTenant, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

const able = process.env['TEST_DATABASE_URL'] !== undefined;
if (!able) process.stderr.write('  a start that loses PostgreSQL: skipped without TEST_DATABASE_URL\n');

/** A way to PostgreSQL that breaks every connection, once, when a statement comes that a server makes in the middle of its start. */
async function breakingOnce(url: string, statement: string) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let broken = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes: Buffer) => {
        if (broken > 0 || from === far || !bytes.includes(statement)) to.write(bytes);
        else {
          broken = sockets.size;
          for (const socket of sockets) socket.resetAndDestroy();
        }
      });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const own = new URL(url);
  own.port = String((server.address() as AddressInfo).port);
  own.hostname = '127.0.0.1';
  return {
    url: own.href,
    broken: () => broken,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

let store: Store;
let served: Served | undefined;
beforeEach(async () => {
  store = await createStore();
});
afterEach(async () => {
  await served?.stop('SIGKILL');
  await store.remove();
});

describe.skipIf(!able)('a server that loses its PostgreSQL between its migration and its first answer', () => {
  it('makes its start again', async () => {
    const way = await breakingOnce(store.env['DATABASE_URL'] ?? '', 'as secret from keys');
    try {
      served = await olympus({ ...store.env, DATABASE_URL: way.url });
      expect(way.broken()).toBeGreaterThan(0);
      expect(served.output()).toContain('the database was lost during the start');
      expect((await registerTenant(served.url)).user.role).toBe('owner');
      expect(await served.stop()).toBe(0);
    } finally {
      way.close();
    }
  }, 120_000);
});
