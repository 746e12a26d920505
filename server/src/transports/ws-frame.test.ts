import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { sharedFrame, textFrame } from './ws-frame.ts';

let server: WebSocketServer;
beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
});
afterAll(() => server.close());

it('is read by a real client, whatever its length', async () => {
  const texts = [
    '',
    'a',
    'å',
    'b'.repeat(125),
    'c'.repeat(126),
    'é'.repeat(40_000),
    'd'.repeat(65_535),
    'e'.repeat(65_536),
  ];
  server.once('connection', (_, request) => {
    for (const text of texts) request.socket.write(textFrame(text));
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const read: string[] = [];
  client.on('message', (data, isBinary) => read.push(isBinary ? 'binary' : (data as Buffer).toString()));
  await expect.poll(() => read.length).toBe(texts.length);
  expect(read).toEqual(texts);
  client.terminate();
});

it('is made once for each beginning', () => {
  const item = {};
  let made = 0;
  const frame = (head: string) => sharedFrame(item, head, () => `${head}${++made}`);
  expect(frame('a')).toBe(frame('a'));
  expect(String(frame('b').subarray(2))).toBe('b2');
  expect(made).toBe(2);
});
