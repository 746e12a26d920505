import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { rest, startOlympus, type Olympus } from '../harness.ts';
import { forgeries, type Forge } from './token-forgery.ts';

const kid = 'signer';
let olympus: Olympus;
let good: string;
let forge: Forge;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const set = { keys: [{ ...(await exportJWK(privateKey)), kid }] };
  olympus = await startOlympus({ OLYMPUS_SIGNING_KEYS: JSON.stringify(set) });
  const { accessToken, refreshToken } = await olympus.tenant();
  good = accessToken;
  const publicPem = createPublicKey({ key: publicJwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  forge = { claims: decodeJwt(good), kid, privateKey, publicJwk, publicPem: String(publicPem), refreshToken };
});
afterAll(() => olympus.close());

type Attempt = (token: string) => Promise<{ status: number; failure: unknown }>;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** What a caller is told, without what names the call. */
const told = ({ requestId: _request, instance: _instance, ...rest }: Record<string, unknown>) => rest;

const ways: Record<string, Attempt> = {
  REST: async (token) => {
    const response = await fetch(`${olympus.url}/api/v1/auth/me`, { headers: bearer(token) });
    return { status: response.status, failure: told((await response.json()) as Record<string, unknown>) };
  },
  'tRPC over HTTP': async (token) => {
    const response = await fetch(`${olympus.url}/trpc/auth.me`, { headers: bearer(token) });
    const body = (await response.json()) as { error?: { json: { data: { failure: Record<string, unknown> } } } };
    return { status: response.status, failure: told(body.error?.json.data.failure ?? {}) };
  },
  'the handshake of a WebSocket': async (token) => {
    const ws = new WebSocket(olympus.wsUrl, { headers: bearer(token) });
    const outcome = await Promise.race([
      once(ws, 'open').then(() => 101),
      once(ws, 'unexpected-response').then(([, response]) => (response as IncomingMessage).statusCode ?? 0),
    ]);
    ws.on('error', () => {});
    ws.terminate();
    return { status: outcome, failure: {} };
  },
  'connectionParams of a WebSocket': async (token) => {
    const ws = new WebSocket(`${olympus.wsUrl}?connectionParams=1`);
    await once(ws, 'open');
    const answered = once(ws, 'message');
    ws.send(JSON.stringify({ method: 'connectionParams', data: { token } }));
    ws.send(JSON.stringify({ id: 1, method: 'query', params: { path: 'auth.me' } }));
    const [text] = (await answered) as [Buffer];
    const closed = once(ws, 'close');
    const message = JSON.parse(text.toString()) as {
      error?: { json: { data: { failure: Record<string, unknown> } } };
    };
    const failure = message.error?.json.data.failure;
    if (!failure) {
      ws.terminate();
      return { status: 200, failure: {} };
    }
    const [code] = (await closed) as [number];
    return { status: code, failure: told(failure) };
  },
};
const refused: Record<string, number> = {
  REST: 401,
  'tRPC over HTTP': 401,
  'the handshake of a WebSocket': 401,
  'connectionParams of a WebSocket': 4401,
};
const welcomed: Record<string, number> = { REST: 200, 'tRPC over HTTP': 200, 'the handshake of a WebSocket': 101 };

describe.each(Object.keys(ways))('over %s', (way) => {
  const attempt = (token: string) => ways[way]!(token);

  test('the token that all attacks start from is good', async () => {
    expect((await attempt(good)).status).toBe(welcomed[way] ?? 200);
  });

  test('every forgery is refused, and all alike', async () => {
    const answers = new Map<string, string>();
    for (const [name, make] of Object.entries(forgeries(forge))) {
      const { status, failure } = await attempt(await make());
      expect(status, name).toBe(refused[way]);
      answers.set(name, JSON.stringify(failure));
    }
    expect(answers.size).toBeGreaterThan(40);
    const shapes = new Set(answers.values());
    expect([...shapes], 'one shape').toHaveLength(1);
    if (way !== 'the handshake of a WebSocket') expect([...shapes][0]).toContain('"code":"UNAUTHENTICATED"');
  });
});

test('the role is the session’s, whatever a token that we have signed says', async () => {
  const token = await new SignJWT({ ...forge.claims, role: 'super_admin' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
    .sign(forge.privateKey);
  const { body } = await rest<{ user: { role: string } }>(olympus.url, { path: '/auth/me', token });
  expect(body.user.role).toBe('owner');
  expect((await rest(olympus.url, { path: '/tenants', token })).status).toBe(403);
});

test('the key set shows public parts only, may be kept, and is not sent again unchanged', async () => {
  const url = `${olympus.url}/.well-known/jwks.json`;
  const response = await fetch(url);
  const { x, crv } = forge.publicJwk;
  expect(await response.json()).toEqual({ keys: [{ kty: 'OKP', crv, x, kid, alg: 'EdDSA', use: 'sig' }] });
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  const etag = response.headers.get('etag') ?? '';
  const again = await fetch(url, { headers: { 'if-none-match': etag } });
  expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
  expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
});
