import { Money } from '@olympus/contracts';
import { describe, expect, it } from 'vitest';
import { moneyOf, tenThousandths } from './money.ts';

describe('moneyOf', () => {
  it.each([
    ['10.9900', 'GBP', '10.99'],
    ['10.0000', 'GBP', '10.00'],
    ['10', 'GBP', '10.00'],
    ['10.5', 'GBP', '10.50'],
    ['0.0010', 'GBP', '0.001'],
    ['0.1234', 'GBP', '0.1234'],
    ['-4287.6300', 'GBP', '-4287.63'],
    ['-0.0010', 'GBP', '-0.001'],
    ['9747747.9340', 'GBP', '9747747.934'],
    ['100.0000', 'JPY', '100'],
    ['100', 'JPY', '100'],
    ['100.5000', 'JPY', '100.5'],
    ['1.5000', 'KWD', '1.500'],
    ['1', 'KWD', '1.000'],
    ['999999999999999.9999', 'USD', '999999999999999.9999'],
  ])('writes %s %s as %s', (amount, currency, written) => {
    const money = moneyOf(amount, currency);
    expect(money).toEqual({ amount: written, currency });
    expect(Money.parse(money)).toEqual(money);
  });
});

describe('tenThousandths', () => {
  it.each([
    ['1', 10_000n],
    ['0.001', 10n],
    ['-0.0001', -1n],
    ['-12.5', -125_000n],
    ['999999999999999.9999', 9_999_999_999_999_999_999n],
  ])('counts %s as %s', (amount, count) => {
    expect(tenThousandths(amount)).toBe(count);
  });
});
