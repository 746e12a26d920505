import { expect, test } from 'vitest';
import { createAdmits, plainBlock } from './address-list.ts';

test('blocks have one form, and what is none is refused', () => {
  const plain = (texts: string[]) => texts.map(plainBlock);
  expect(plain(['203.0.113.9', '203.0.113.9/32', '203.0.113.9/24', '0.0.0.0/0'])).toEqual([
    '203.0.113.9',
    '203.0.113.9',
    '203.0.113.0/24',
    '0.0.0.0/0',
  ]);
  expect(plain(['2001:DB8:0::1', '2001:db8:1:2:3::/48', '::ffff:10.1.2.3/104', '::ffff:10.1.2.3'])).toEqual([
    '2001:db8::1',
    '2001:db8:1::/48',
    '10.0.0.0/8',
    '10.1.2.3',
  ]);
  expect(plain(['10.0.0.0/33', '10.1', '0x7f.1', '::1/129', '::ffff:0:0/90', 'shop', '', '10.0.0.0/8/8'])).toEqual(
    Array.from({ length: 8 }, () => null),
  );
});

test('what is blocked is kept out, and all but what is allowed once anything is', () => {
  const open = createAdmits({ allow: [], block: ['203.0.113.0/24', '2001:db8::/32'] });
  expect(['203.0.113.200', '2001:db8:9::1', '203.0.114.1', '2001:db9::1'].map(open)).toEqual([
    false,
    false,
    true,
    true,
  ]);
  const closed = createAdmits({ allow: ['10.0.0.0/8', '2001:db8::/32'], block: ['10.9.0.0/16'] });
  expect(['10.1.1.1', '10.9.1.1', '11.0.0.1', '2001:db8::5', '::1', 'unknown'].map(closed)).toEqual([
    true,
    false,
    false,
    true,
    false,
    false,
  ]);
  expect(createAdmits({ allow: [], block: [] })('unknown')).toBe(true);
});
