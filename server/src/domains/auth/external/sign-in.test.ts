import { sql } from '@olympus/database';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '../../../kernel/failure.ts';
import { startTestKernel, type TestKernel } from '../../testing.ts';
import { createAuth, type Auth } from '../index.ts';
import { SignInProviders } from './settings.ts';

const redirectUri = 'https://shop.test/back';
let olympus: TestKernel;
let signIn: Auth['signIn'];
let described = 0;

/** Only describes itself: nobody comes as far as to exchange a code. */
const provider = createServer((_, response) => {
  described++;
  const issuer = issuerOf();
  const endpoints = { authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` };
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer, ...endpoints }));
});
const issuerOf = () => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;

beforeAll(async () => {
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  olympus = await startTestKernel({ databaseUrl: process.env['TEST_DATABASE_URL'] });
  const signInProviders = SignInProviders.parse([
    { id: 'one', name: 'One', issuer: issuerOf(), clientId: 'us', redirectUris: [redirectUri] },
  ]);
  ({ signIn } = createAuth({ ...olympus.authOptions, signInProviders }));
});
afterAll(async () => {
  await olympus.close();
  provider.closeAllConnections();
  provider.close();
});

const ctx = {} as never;
const start = () => signIn.start({ input: { provider: 'one', redirectUri }, ctx, fail });
const kept = () =>
  olympus.database.systemDb.rows<{ hash: string }>(sql`select state_hash as hash from pending_sign_ins`);

test('the address carries a challenge and a nonce, and the database nothing that could finish a sign-in', async () => {
  const { authorizationUrl, state } = await start();
  const { searchParams } = new URL(authorizationUrl);
  expect(Object.fromEntries(searchParams)).toEqual({
    client_id: 'us',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email profile',
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  });
  expect(authorizationUrl).not.toContain(state);
  expect(await kept()).toEqual([{ hash: searchParams.get('state') }]);
  await start();
  expect(described).toBe(1);
});

test('ten minutes later it is too late', async () => {
  const { state } = await start();
  olympus.clock.advance(600_000);
  const input = { code: 'any', state, iss: undefined, device: undefined };
  await expect(signIn.finish({ input, ctx, fail })).rejects.toMatchObject({ code: 'INVALID_SIGN_IN' });
});
