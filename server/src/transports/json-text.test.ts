import { describe, expect, it } from 'vitest';
import { parseJson } from './json-text.ts';

const fault = (text: string, depth = 32): string => {
  try {
    parseJson(text, depth);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'parsed';
};

describe('JSON text', () => {
  it.each([
    '{}',
    '[]',
    ' {"a" : [1, -2.5e+3, 0, true, false, null, "é\\u00e9\\n\\"\\\\"] , "b":{"c":""}} ',
    '"x"',
    '-0.1E-2',
    '"\\ud83d\\ude00😀"',
    '\t\r\n1 ',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJson(text, 32)).toEqual(JSON.parse(text));
  });

  it.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '[1 2]',
    '01',
    '1.',
    '.5',
    '+1',
    'nul',
    'NaN',
    '"a',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '[1]]',
    '{"a"}',
    '{"a":}',
    '\u00a01',
    '--1',
    'undefined',
    '"a\\',
  ])('refuses %j as JSON.parse does', (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(fault(text)).toMatch(/^The body is not valid JSON: .* at position \d+$/);
  });

  it('tells where a fault is', () => {
    expect(fault('{"name":}')).toBe('The body is not valid JSON: unexpected "}" at position 8');
    expect(fault('{"name":')).toBe('The body is not valid JSON: ends too early at position 8');
  });

  it('refuses a key twice, keys that reach a prototype, and NUL', () => {
    expect(fault('{"a":1,"a":2}')).toContain('the key "a" is given twice at position 7');
    expect(fault('{"b":{"a":1,"\\u0061":2}}')).toContain('given twice');
    for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])
      expect(fault(`{"x":[{"${key}":{"polluted":1}}]}`)).toContain('is not allowed');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(fault('{"a":"x\\u0000"}')).toContain('NUL');
    for (const half of ['\\ud83d', '\\ude00', '\\ude00\\ud83d'])
      expect(fault(`["${half}"]`)).toContain('half a character');
  });

  it('bounds nesting before it recurses', () => {
    expect(fault('['.repeat(32) + ']'.repeat(32))).toBe('parsed');
    expect(fault('['.repeat(33) + ']'.repeat(33))).toContain('nested deeper than 32 levels at position 32');
    expect(fault('{"a":'.repeat(100_000))).toContain('nested deeper');
  });

  it('takes a body of the greatest size in a few milliseconds', () => {
    const text = JSON.stringify({
      items: Array.from({ length: 4_000 }, (_, n) => ({ productId: `p-${n}"`, quantity: n })),
    });
    expect(text.length).toBeGreaterThan(150_000);
    const start = performance.now();
    parseJson(text, 32);
    parseJson(`"${'\\\\'.repeat(120_000)}"`, 32);
    expect(performance.now() - start).toBeLessThan(150);
  });
});
