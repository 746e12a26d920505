import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { clientAddress, networkOf } from './client-address.ts';

const told = (trusted: string[], peer: string, forwarded?: string) =>
  clientAddress(trusted)({
    socket: { remoteAddress: peer },
    connection: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

test('only named proxies are believed, and only for what they say last', () => {
  expect(told([], '203.0.113.9', '10.0.0.1')).toBe('203.0.113.9');
  expect(told(['10.0.0.0/8'], '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9');
  expect(told(['10.0.0.0/8'], '10.1.1.1', '1.1.1.1, 198.51.100.1')).toBe('198.51.100.1');
  expect(told(['10.0.0.0/8'], '10.1.1.1', '1.1.1.1, 198.51.100.1, 10.2.2.2')).toBe('198.51.100.1');
});

test('one address has one form', () => {
  expect(told([], '::ffff:203.0.113.9')).toBe('203.0.113.9');
  expect(told(['10.0.0.0/8'], '::ffff:10.1.1.1', '::ffff:198.51.100.1')).toBe('198.51.100.1');
  expect(told(['10.0.0.0/8'], '10.1.1.1', '198.51.100.1:4711')).toBe('198.51.100.1');
  expect(told(['10.0.0.0/8'], '10.1.1.1', '[2001:db8::1]:4711')).toBe('2001:db8::1');
  expect(told(['10.0.0.0/8'], '10.1.1.1', 'unknown')).toBe('10.1.1.1');
});

test('hopping inside a /64 stays in one network', () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(networkOf('2001:db8:1:2::')).toBe(networkOf('2001:DB8:1:2:ffff::9'));
  expect(networkOf('2001:db8:1:3::')).not.toBe(networkOf('2001:db8:1:2::'));
  expect(networkOf('203.0.113.9')).toBe('203.0.113.9');
});
