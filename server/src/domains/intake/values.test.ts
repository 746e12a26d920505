import { describe, expect, it } from 'vitest';
import { momentOf, type DateStyle } from './instants.ts';
import { decimalOf, filledOf, integerOf, textOf } from './values.ts';

describe('moments', () => {
  const iso = (text: string) => momentOf(text, 'placedAt', 'ISO');
  const utc = (...parts: Parameters<typeof Date.UTC>) => Date.UTC(...parts);

  it.each([
    ['2010-12-01T08:26:00Z', utc(2010, 11, 1, 8, 26)],
    ['2010-12-01 08:26:00.1239z', utc(2010, 11, 1, 8, 26, 0, 123)],
    ['2010-12-01T08:26+01:00', utc(2010, 11, 1, 7, 26)],
    ['2010-12-01T08:26:59-0530', utc(2010, 11, 1, 13, 56, 59)],
    ['2010-12-01 08:26 +02', utc(2010, 11, 1, 6, 26)],
    [' 2010-12-01T08:26 ', '2010-12-01 08:26:00.000'],
    ['2012-02-29 23:59:59,5', '2012-02-29 23:59:59.500'],
    ['2010-12-01', '2010-12-01 00:00:00.000'],
  ])('ISO 8601 %s', (text, moment) => expect(iso(text)).toBe(moment));

  it('M/D/YYYY H:MM is local', () => {
    const read = (text: string) => momentOf(text, 'placedAt', 'M/D/YYYY H:MM');
    expect(read('12/1/2010 8:26')).toBe('2010-12-01 08:26:00.000');
    expect(read('1/12/2011 18:06:07')).toBe('2011-01-12 18:06:07.000');
  });

  it.each<[DateStyle, string]>([
    ['ISO', ''],
    ['ISO', '12/1/2010 8:26'],
    ['ISO', '2011-02-29'],
    ['ISO', '2010-13-01'],
    ['ISO', '2010-12-01T24:00'],
    ['ISO', '2010-12-01T08:60'],
    ['ISO', '2010-12-01T08:26+24:00'],
    ['ISO', '2010-12-01T08'],
    ['ISO', '0999-01-01'],
    ['M/D/YYYY H:MM', '31/1/2011 8:26'],
    ['M/D/YYYY H:MM', '2/30/2011 8:26'],
    ['M/D/YYYY H:MM', '2010-12-01T08:26'],
    ['M/D/YYYY H:MM', '12/1/10 8:26'],
  ])('%s refuses %j', (style, text) =>
    expect(() => momentOf(text, 'placedAt', style)).toThrow(/^placedAt must be an instant/),
  );
});

describe('values', () => {
  it('numbers', () => {
    expect(integerOf(' -12 ', 'quantity', 1e9)).toBe(-12);
    expect(integerOf('+3', 'quantity', 1e9)).toBe(3);
    for (const text of ['', '1.0', '1e3', '1,000', '0x1', '12345678901', 'ten'])
      expect(() => integerOf(text, 'quantity', 1e9)).toThrow('quantity must be a whole number');
    expect(() => integerOf('1000000001', 'quantity', 1e9)).toThrow('quantity is beyond 1000000000');
    for (const text of ['2.55', '0.001', '-11062.06', '.5', '2.', '2.550000', '+1', '999999999999.9999'])
      expect(decimalOf(` ${text} `, 'unitPrice')).toBe(text);
    for (const text of ['', '.', '-', '2,55', '1e3', '0.00001', '£2', '1234567890123', 'NaN'])
      expect(() => decimalOf(text, 'unitPrice')).toThrow('unitPrice must be a decimal number');
  });

  it('text', () => {
    expect(textOf(' a\tb ', 'sku', 64)).toBe(' a\tb ');
    expect(() => textOf('abc', 'sku', 2)).toThrow('sku is longer than 2 characters');
    expect(() => textOf('a\0', 'sku', 9)).toThrow('sku has a character that cannot be stored');
    expect(() => textOf('\ud83d', 'sku', 9)).toThrow('sku has a character that cannot be stored');
    expect(textOf('🛒', 'sku', 9)).toBe('🛒');
    expect(() => filledOf('', 'sku', 9)).toThrow('sku is empty');
  });

  it('are shown shortened', () => {
    expect(() => integerOf('x'.repeat(500), 'quantity', 1)).toThrow(
      `quantity must be a whole number, not '${'x'.repeat(40)}…'`,
    );
  });
});
