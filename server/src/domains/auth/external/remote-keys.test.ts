import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type CryptoKey, type JWTVerifyGetKey } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { remoteKeys } from './remote-keys.ts';

let asked = 0;
let status = 200;
let keys: JWTVerifyGetKey;
let body: string;
const server = createServer((_, response) => {
  asked++;
  response.writeHead(status).end(body);
});

beforeEach(async () => {
  asked = 0;
  status = 200;
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'known', alg: 'ES256' }] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keys = remoteKeys(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const ask = async (kid: string) => {
  try {
    return ((await keys({ alg: 'ES256', kid }, { payload: '', signature: '' })) as CryptoKey).type;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
/** One unknown kid every quarter of a second, and a known one each time. */
const flood = async (seconds: number) => {
  const told = new Set<string>();
  for (let turn = 0; turn < seconds * 4; turn++) {
    told.add(`known: ${await ask('known')}`);
    told.add(`unknown: ${await ask(`unknown-${turn}`)}`);
    vi.advanceTimersByTime(250);
  }
  return [...told];
};

test('a flood of unknown kids asks at most once in ten seconds', async () => {
  expect(await flood(35)).toEqual(['known: public', 'unknown: ERR_JWKS_NO_MATCHING_KEY']);
  expect(asked).toBe(4);
});

test('so it does where the issuer fails meanwhile, and the keys that are known go on', async () => {
  expect(await ask('known')).toBe('public');
  status = 500;
  const told = await flood(35);
  expect(told).toContain('known: public');
  expect(told).not.toContain('known: UNAVAILABLE');
  expect(asked).toBeLessThanOrEqual(4);
});

test('an issuer that has never answered is asked once a second', async () => {
  status = 500;
  expect(await flood(5)).toEqual(['known: UNAVAILABLE', 'unknown: UNAVAILABLE']);
  expect(asked).toBe(5);
});

test('an answer that is too large is none', async () => {
  body = JSON.stringify({ keys: [], filler: 'x'.repeat(300_000) });
  expect(await ask('known')).toBe('UNAVAILABLE');
});
