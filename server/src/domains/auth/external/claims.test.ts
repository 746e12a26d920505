import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { readAssertion } from './claims.ts';
import { ExternalIssuers } from './settings.ts';

const tenant = randomUUID();
const read = (settings: object, claims: object) => {
  const base = {
    issuer: 'https://auth.example',
    jwks: 'https://auth.example/jwks',
    audience: 'us',
    algorithms: ['RS256'],
  };
  const [issuer] = ExternalIssuers.parse([{ ...base, ...settings }]);
  return readAssertion(issuer!, claims);
};

test('by default a subject and a verified address are read', () => {
  const claims = { sub: 'abc', email: ' Ada@Shop.Test ', email_verified: true, role: 'owner' };
  const expected = { issuer: 'https://auth.example', subject: 'abc', tenantId: null, role: null };
  expect(read({}, claims)).toEqual({ ...expected, email: 'ada@shop.test' });
  for (const email_verified of [undefined, false, 'true', 1])
    expect(read({}, { ...claims, email_verified })).toEqual({ ...expected, email: null });
  expect(read({}, { ...claims, email: 'no address' })?.email).toBeNull();
  for (const sub of [undefined, '', {}, 'x'.repeat(256)]) expect(read({}, { ...claims, sub })).toBeNull();
});

test('claims are found by their whole names or by a path, and never in what every object has', () => {
  const claims = { subject: 'https://ns.example/id', tenant: 'org.id' };
  expect(read({ claims }, { 'https://ns.example/id': 'a', org: { id: tenant } })).toMatchObject({
    subject: 'a',
    tenantId: tenant,
  });
  expect(read({ claims: { subject: 'constructor.name' } }, {})).toBeNull();
  expect(read({ claims: { subject: '__proto__.x' } }, {})).toBeNull();
});

test('a tenant is one that is mapped, or an id, and only the one that is allowed', () => {
  const byName = { claims: { tenant: 'org' }, tenants: { acme: tenant } };
  expect(read(byName, { sub: 'a', org: 'acme' })?.tenantId).toBe(tenant);
  for (const org of ['other', 'toString', tenant, undefined]) expect(read(byName, { sub: 'a', org })).toBeNull();
  const only = { claims: { tenant: 'org' }, tenant };
  expect(read(only, { sub: 'a', org: tenant.toUpperCase() })?.tenantId).toBe(tenant);
  expect(read(only, { sub: 'a', org: randomUUID() })).toBeNull();
  expect(read({ tenant }, { sub: 'a' })?.tenantId).toBe(tenant);
});

test('of several roles the highest known one counts', () => {
  const mapped = { claims: { role: 'groups' }, roles: { tills: 'staff', heads: 'manager' } };
  expect(read(mapped, { sub: 'a', groups: ['tills', 'heads', 'owner'] })?.role).toBe('manager');
  expect(read(mapped, { sub: 'a', groups: 'tills' })?.role).toBe('staff');
  for (const groups of [undefined, [], ['owner'], ['toString'], {}])
    expect(read(mapped, { sub: 'a', groups })).toBeNull();
  expect(read({ claims: { role: 'role' } }, { sub: 'a', role: 'admin' })?.role).toBe('admin');
});
