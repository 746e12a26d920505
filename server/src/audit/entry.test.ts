import { contracts, mutation } from '@olympus/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Call, Principal } from '../kernel/context.ts';
import { Failure } from '../kernel/failure.ts';
import { canonicalJson } from './chain.ts';
import { failureOf, resourceTypeOf, successOf } from './entry.ts';
import { redacted, redactionOf } from './redact.ts';

const id = (n: number) => `01890a5d-ac96-774b-bcce-b3020000000${n}`;
const facts = { id: id(9), createdAt: new Date(0) };
const principal: Principal = {
  userId: id(1),
  tenantId: id(2),
  role: 'owner',
  permissions: new Set(),
  sessionId: null,
  apiKeyId: id(3),
  callsPerSecond: null,
  locationIds: null,
  actor: { userId: id(4), reason: 'ticket 12' },
  expiresAt: 0,
  timeZone: 'UTC',
  currency: 'GBP',
};
const callOf = (path: string, contract: Call['procedure']['contract'], over: Partial<Call> = {}): Call => ({
  procedure: { path, contract, handle: async () => null },
  caller: { protocol: 'rest', requestId: 'r', traceId: 't', address: '::1', credential: null, userAgent: 'a\x1b[2Jb' },
  idempotencyKey: null,
  upload: null,
  notes: {},
  signal: new AbortController().signal,
  input: {},
  principal,
  db: null,
  stale: new Set(),
  recorded: {},
  counted: true,
  keep: true,
  ...over,
});

describe('an entry', () => {
  it('tells of the key that was used, and of whoever acted as the user', () => {
    const call = callOf('customers.update', contracts.customers.update, {
      input: { id: id(5).toUpperCase(), name: 'A' },
    });
    expect(successOf(call, { id: id(5) }, facts)).toMatchObject({
      tenantId: id(2),
      userId: id(1),
      apiKeyId: id(3),
      actorUserId: id(4),
      actorReason: 'ticket 12',
      resourceType: 'customer',
      resourceId: id(5),
      userAgent: 'a?[2Jb',
    });
  });

  it('of a denial names the resource, and keeps nothing that was not read yet', () => {
    const call = callOf('users.update', contracts.users.update, { input: { id: id(5), junk: '\0' } });
    const failure = new Failure('FORBIDDEN', { permission: 'users:write' });
    expect(failureOf(call, failure, { ...facts, outcome: 'denied' })).toMatchObject({
      code: 'FORBIDDEN',
      resourceId: id(5),
      input: null,
    });
    const odd = callOf('users.update', contracts.users.update, { input: { id: 'x'.repeat(100_000) } });
    expect(failureOf(odd, failure, { ...facts, outcome: 'denied' }).resourceId).toBeNull();
  });

  it('is about what its procedure is about', () => {
    expect(['orders.create', 'auth.sessions.revoke', 'apiKeys.create', 'auth.login'].map(resourceTypeOf)).toEqual([
      'order',
      'session',
      'apiKey',
      'user',
    ]);
  });
});

describe('redaction', () => {
  const secret = 'canary';
  const { input, result } = redactionOf(
    'things.change',
    mutation({
      summary: 's',
      operationId: 'o',
      rest: 'POST /o',
      access: 'self:write',
      input: z.strictObject({
        phrase: z.array(z.object({ inner: z.string().meta({ format: 'password' }).optional() })),
      }),
      output: z.null(),
    }),
  );

  it.each([
    'password',
    'newPassword',
    'refreshToken',
    'access_token',
    'clientSecret',
    'code',
    'recoveryCodes',
    'totp',
    'apiKey',
    'key',
    'Authorization',
    'cookie',
    'passwordHash',
    'content',
  ])('takes out %s, wherever it stands', (name) => {
    const kept = input({ [name]: secret, list: [{ deep: { [name]: { of: secret } } }], other: 'kept' });
    expect(JSON.stringify(kept)).not.toContain(secret);
    expect(kept).toMatchObject({ [name]: redacted, other: 'kept' });
  });

  it('takes out what its schema calls a password', () => {
    expect(input({ phrase: [{ inner: secret }] })).toEqual({ phrase: [{ inner: redacted }] });
  });

  it.each([
    'olr_Vn3x0YbYt5pXyQ',
    'Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln',
    'my olk_live_12345678',
    'otpauth://totp/Olympus:ada?secret=JBSWY3DPEHPK3PXP',
    'https://api.example.com/api/v1/file-links/AYk6XayWd0u8zrMCCZqAVw',
  ])('takes out text that looks like %s', (text) => {
    expect(input({ note: text })).toEqual({ note: redacted });
  });

  it('leaves a customer’s code, and names that only sound alike', () => {
    const customers = redactionOf('customers.update', contracts.customers.update);
    expect(customers.input({ code: '12347', name: 'Tokyo' })).toEqual({ code: '12347', name: 'Tokyo' });
    const kept = { expectedVersion: 1, keyboard: 'k', barcode: 'b', country: null, monkey: 'm' };
    expect(input(kept)).toEqual(kept);
  });

  it('tells lists of an answer by their length, and everything that is long by its size', () => {
    expect(result({ results: [1, 2, 3], lines: 3 })).toEqual({ results: { count: 3 }, lines: 3 });
    expect(input({ a: 'x'.repeat(3000), b: 1 })).toEqual({ a: '[cut: 3002 characters]', b: 1 });
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`field${n}`, 'value']));
    expect(JSON.stringify(input(many)).length).toBeLessThan(100);
    expect(input(null)).toBeNull();
  });
});

it('canonical JSON is that of RFC 8785', () => {
  // https://www.rfc-editor.org/rfc/rfc8785#section-3.2.2 and 3.2.3
  const value: unknown = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const names = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
  expect(Object.values(JSON.parse(canonicalJson(names)) as object)).toHaveLength(7);
  expect([...canonicalJson(names).matchAll(/:(\d)/g)].map(([, n]) => n).join('')).toBe('2467153');
});
