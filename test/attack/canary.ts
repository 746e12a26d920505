import { openDatabase } from '@olympus/database';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStore } from '../harness.ts';
import type { Operation } from './operations.ts';

/** What sqlmap must find in the canary, each by the same options as in the product. */
export const holes: readonly Operation[] = [
  { name: 'a search written into its statement', url: '/api/v1/holes?q=mug', parameters: ['q'] },
  { name: 'an id in a path', url: '/api/v1/holes/1*' },
  {
    name: 'a body whose answer never differs',
    url: '/api/v1/holes',
    method: 'POST',
    changing: true,
    body: { name: 'mug' },
    parameters: ['name'],
  },
  {
    name: 'a search over tRPC',
    url: `/trpc/holes.list?input=${encodeURIComponent('{"json":{"q":"mug')}*${encodeURIComponent('"}}')}`,
  },
];

/** A server with holes, so that nothing found in the product means that nothing is there. */
export async function startCanary(): Promise<{ url: string; stop(): Promise<void> }> {
  const store = await createStore();
  const { DATABASE_URL: url, OLYMPUS_DATA_DIR: dataDir = '' } = store.env;
  const database = await openDatabase({ ...(url === undefined ? { dataDir } : { url }), queryTimeoutMs: 30_000 });
  const rowsWhere = (condition: string) =>
    database.system.unsafe<{ name: string }[]>(
      `select name from (values (1, 'mug'), (2, 'cup')) as things (id, name) where ${condition}`,
    );
  const server = createServer((request, response) => {
    void answer(request, response, rowsWhere).catch(() => response.writeHead(500).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await database.close();
      await store.remove();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rowsWhere: (condition: string) => Promise<readonly { name: string }[]>,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://canary');
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.method === 'POST') {
    let text = '';
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    const { name } = JSON.parse(text) as { name: string };
    await rowsWhere(`name = '${name}'`).catch(() => []);
    send(200, {});
  } else if (pathname.startsWith('/trpc/')) {
    const { q } = (JSON.parse(searchParams.get('input') ?? '{}') as { json: { q: string } }).json;
    send(200, await rowsWhere(`name = '${q}'`));
  } else if (pathname === '/api/v1/holes') send(200, await rowsWhere(`name = '${searchParams.get('q')}'`));
  else send(200, await rowsWhere(`id = ${decodeURIComponent(pathname.slice('/api/v1/holes/'.length))}`));
}
