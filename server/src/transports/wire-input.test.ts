import { serialize } from 'superjson';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../kernel/failure.ts';
import { decodeInput, parseText } from './wire-input.ts';

const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(serialize(value)));
/** The processor's time for some work, the best of three: others use this machine too. */
function cpuMsOf(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}
const aDate = new Date('2010-12-01T08:26:00.000Z');

describe('decodeInput', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'text'],
    ['absent fields and dates', { limit: 20, q: undefined, since: aDate }],
    ['odd keys', { list: [aDate, { 'a.b': aDate, 'back\\slash': aDate, '': aDate }], none: undefined }],
    ['numbers that JSON lacks', [undefined, 1n, 12_345_678_901_234_567_890n, Number.NaN, -0, -Infinity]],
    ['a value twice', { same: aDate, again: aDate }],
  ])('reads what superjson writes: %s', (_, value) => {
    expect(decodeInput(sent(value))).toEqual(value);
  });

  it('reads paths as superjson 1 wrote them', () => {
    expect(
      decodeInput({ json: { 'a\\b.c': '2010-12-01T08:26:00.000Z' }, meta: { values: { 'a\\b\\.c': ['Date'] } } }),
    ).toEqual({
      'a\\b.c': aDate,
    });
  });

  it('takes no input for none', () => {
    expect(decodeInput(undefined)).toBeUndefined();
  });

  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  const values = (tree: unknown, json: unknown = { a: '1' }) => ({ json, meta: { values: tree, v: 1 } });
  it.each<[string, unknown, RegExp]>([
    ['bare JSON', { limit: 20 }, /superjson value/],
    ['a list', [1], /superjson value/],
    ['deep nesting', { json: nested(5_000) }, /deeper than 32/],
    [
      'deep nesting of types',
      values(JSON.parse('{"a":'.repeat(40) + '["Date"]' + '}'.repeat(40))),
      /not there|too deep/,
    ],
    ['a regular expression', values({ a: ['regexp'] }, { a: '/(a+)+$/' }), /not accepted: "regexp"/],
    ['an error', values({ a: ['Error'] }), /not accepted: "Error"/],
    ['a class', values({ a: [['class', 'User']] }), /not accepted/],
    ['a custom type', values({ a: [['custom', 'x']] }), /not accepted/],
    ['a set with children', values({ a: ['set', { 0: ['Date'] }] }, { a: [1] }), /not accepted/],
    ['a huge number', values({ a: ['bigint'] }, { a: '9'.repeat(41) }), /at most 40 digits/],
    ['a date that is none', values({ a: ['Date'] }, { a: {} }), /must be a date/],
    [
      'a key that reaches the prototype',
      { json: JSON.parse('{"a":{"__proto__":{"admin":true}}}') },
      /a\.__proto__: is not allowed/,
    ],
    ['a constructor', { json: { constructor: { prototype: {} } } }, /constructor: is not allowed/],
    ['a path to the prototype', values({ '__proto__.x': ['undefined'] }), /not there/],
    ['a path to a constructor', values({ 'a.constructor': ['undefined'] }), /not there/],
    ['a path to nowhere', values({ 'b.c': ['Date'] }), /not there/],
    ['a path of inherited names', values({ toString: ['undefined'] }), /not there/],
    ['types that are no tree', values(7), /must name types/],
    ['NUL', { json: { a: 'x\0y' } }, /a: must not contain NUL/],
  ])('refuses %s', (_, payload, message) => {
    let failure: Failure | undefined;
    const spent = cpuMsOf(() => {
      try {
        decodeInput(payload);
      } catch (cause) {
        failure = cause as Failure;
      }
    });
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', status: 400 });
    expect(failure?.message).toMatch(message);
    expect(spent).toBeLessThan(50);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('leaves out references, which superjson would follow into copies without end', () => {
    const payload = { json: { a: [1], b: [2] }, meta: { referentialEqualities: { a: ['b.0', 'b'] }, v: 1 } };
    expect(decodeInput(payload)).toEqual({ a: [1], b: [2] });
  });

  it('reads a payload of 256 KB without holding up others', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index);
    const values = Object.fromEntries(list.map((index) => [index, ['undefined']]));
    const spent = cpuMsOf(() => {
      expect(decodeInput({ json: [...list], meta: { values, v: 1 } })).toHaveLength(20_000);
    });
    expect(spent).toBeLessThan(50);
  });
});

describe('parseText', () => {
  it('names the field that is no JSON', () => {
    expect(() => parseText('{"json":', 'body')).toThrow(/body: must be valid JSON/);
  });
});
