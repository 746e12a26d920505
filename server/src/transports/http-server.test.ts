import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer } from './http-server.ts';
import { openAnswers } from './open-answers.ts';

const idleMs = 300;
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server that works on a body for three times as long as a connection may be silent. */
async function slowServer(): Promise<number> {
  const nothing = () => undefined;
  const server = createHttpServer({
    trpc: nothing,
    rest: (incoming, response) => {
      incoming.resume().once('end', () => setTimeout(() => response.end('done'), 3 * idleMs));
    },
    edge: nothing,
    upgrade: nothing,
    refuseUpgrade: nothing,
    gate: { check: () => null, refuses: () => false },
    answers: openAnswers(),
    tls: false,
    allowedOrigins: [],
    uploadTypes: new Set(['text/csv']),
  });
  server.timeout = idleMs;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => void server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

async function send(port: number, type: string, body: readonly string[]): Promise<string> {
  const call = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/v1/x',
    headers: { 'content-type': type },
  });
  const answered = once(call, 'response').then(async ([response]) => {
    let text = '';
    for await (const chunk of response as IncomingMessage) text += String(chunk);
    return text;
  });
  answered.catch(() => undefined);
  call.flushHeaders();
  for (const part of body) {
    call.write(part);
    await sleep(idleMs / 3);
  }
  call.end();
  return answered;
}

describe('a connection that is silent', () => {
  it('stays while an upload that is all here is worked on', async () => {
    expect(await send(await slowServer(), 'text/csv; charset=utf-8', ['a,b', '1,2'])).toBe('done');
  });

  it('is closed with any other body, and with an upload that stops coming', async () => {
    const port = await slowServer();
    await expect(send(port, 'application/json', ['{}'])).rejects.toThrow(/hang up|ECONNRESET/);
    const call = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      path: '/api/v1/x',
    });
    const failed = once(call, 'error');
    call.write('a,b');
    expect(String(await failed)).toMatch(/hang up|ECONNRESET/);
  });
});
