import { contracts, contractsOf } from '@olympus/contracts';
import { startApp, type App } from '@olympus/server/app.ts';
import { readConfig } from '@olympus/server/config.ts';
import { createLogger } from '@olympus/server/platform/logger.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { tell } from './wire.ts';

let store: Store;
let app: App;
let written = '';
beforeAll(async () => {
  store = await createStore();
  const env = { HOST: '127.0.0.1', PORT: '0', OLYMPUS_SEED_DEMO: 'off', RATE_LIMITS: 'off', LOG_LEVEL: 'trace' };
  const log = createLogger({ level: 'trace', destination: { write: (line: string) => void (written += line) } });
  app = await startApp(readConfig({ ...env, ...store.env }), { log });
});
afterAll(async () => {
  await app.close();
  await store.remove();
});

/** Procedures by which people sign in and out and look after their secrets. */
const secretive = [...contractsOf(contracts)].filter(({ path }) => /^(auth|account|signIn|apiKeys)\./.test(path));
const canary = 'canary-5f2c9a-of-the-log';
/** In every field that may hold a secret, and in one that nobody knows. */
const input = Object.fromEntries(
  ['password', 'newPassword', 'currentPassword', 'refreshToken', 'token', 'code', 'secret', 'key', 'unknown'].map(
    (name) => [name, canary],
  ),
);

it('no secret that is sent, in whatever place and form, is written to the log', async () => {
  const { url } = app;
  const password = `${canary} battery`;
  const session = await registerTenant(url, { password });
  const { email } = session.user;
  const { accessToken: token } = session;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    rest<Session>(url, { method: 'POST', path, body, headers });
  expect((await post('/auth/login', { email, password })).status).toBe(200);
  expect((await post('/auth/login', { email, password: canary })).status).toBe(401);
  const renewed = await post('/auth/refresh', { refreshToken: session.refreshToken });
  expect(renewed.status).toBe(200);

  for (const { path, contract } of secretive) {
    const [method = '', route = ''] = contract.def.rest.split(' ');
    const at = route.replace(/\{\w+\}/g, canary);
    for (const headers of [{}, { authorization: `Bearer ${canary}` }, { authorization: `Basic ${canary}` }]) {
      const cookies = { ...headers, cookie: `session=${canary}`, 'x-api-key': canary, 'idempotency-key': canary };
      await fetch(`${url}/api/v1${at}?token=${canary}`, {
        method,
        headers: { 'content-type': 'application/json', ...cookies },
        ...(method === 'GET' ? {} : { body: JSON.stringify(input) }),
      });
      await fetch(`${url}/trpc/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...cookies },
        body: JSON.stringify({ json: { email, ...input, password: { deep: [canary] } } }),
      });
      await fetch(`${url}/trpc/${path}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`, { headers });
    }
    await fetch(`${url}/trpc/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"json":{"password":"${canary}`,
    });
  }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?connectionParams=1&token=${canary}`);
  await once(socket, 'open');
  for (const [id, { path, contract }] of secretive.entries())
    socket.send(JSON.stringify({ id, method: contract.kind, params: { path, input: { json: { email, ...input } } } }));
  socket.send(JSON.stringify({ method: 'connectionParams', data: { token: canary } }));
  await once(socket, 'close');
  await rest(url, { method: 'POST', path: '/auth/logout', token, body: {} });

  expect(written.split('\n').length).toBeGreaterThan(secretive.length * 5);
  for (const secret of [canary, encodeURIComponent(canary), session.refreshToken, token, renewed.body.accessToken])
    expect(written.includes(secret), secret.slice(0, 12)).toBe(false);
});

it('what a caller sends cannot become a line of the log', async () => {
  const before = written.length;
  const forged = '{"level":"error","msg":"forged"}';
  await tell(
    app.url,
    `GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\n${forged}\r\nConnection: close\r\n\r\n`,
  );
  await tell(
    app.url,
    `GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: "${forged}\r\nConnection: close\r\n\r\n`,
  );
  await tell(
    app.url,
    `GET /trpc/auth.me%0a${encodeURIComponent(forged)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  await rest(app.url, {
    method: 'POST',
    path: '/auth/login',
    body: { email: `a@shop.test\n${forged}`, password: `\r\n${forged}\u2028` },
    headers: { traceparent: forged },
  });
  const lines = written.slice(before).trimEnd().split('\n');
  for (const line of lines) expect(Object.keys(JSON.parse(line) as object)).toContain('time');
  expect(lines.filter((line) => line.startsWith('{"level":"error","msg"'))).toEqual([]);
});
