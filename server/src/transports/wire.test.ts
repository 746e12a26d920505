import { contracts, contractsOf, query } from '@olympus/contracts';
import { deserialize, serialize } from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeAnything, encoderOf } from './wire.ts';

/** Numbers that look random and are the same in every run. */
function generator(seed: number) {
  let state = seed;
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return { next, below: (count: number) => Math.floor(next() * count) };
}
type Random = ReturnType<typeof generator>;

/** Some value of a schema; each has arrays of several lengths, nulls, and every branch of its unions in time. */
function valueOf(schema: z.core.$ZodType, random: Random): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return `text ${random.below(1000)} "quoted" ☕`;
    case 'number':
      return random.below(1000) - 500;
    case 'boolean':
      return random.next() < 0.5;
    case 'null':
      return null;
    case 'date':
      return new Date(random.below(2_000_000_000) * 1000);
    case 'literal':
      return def.values[0];
    case 'enum':
      return Object.values(def.entries)[random.below(Object.keys(def.entries).length)];
    case 'object':
      return Object.fromEntries(Object.entries(def.shape).map(([key, field]) => [key, valueOf(field, random)]));
    case 'array':
      return Array.from({ length: random.below(4) }, () => valueOf(def.element, random));
    case 'prefault':
      return valueOf(def.innerType, random);
    case 'nullable':
      return random.next() < 0.3 ? null : valueOf(def.innerType, random);
    case 'union':
      return valueOf(def.options[random.below(def.options.length)] as z.core.$ZodType, random);
    case 'record':
      return { 'a.key': valueOf(def.valueType, random), 'back\\slash': valueOf(def.valueType, random) };
    case 'unknown':
      return [null, 1, 'text', { deep: [aDate()] }, aDate()][random.below(5)];
    default:
      throw new Error(`the test does not know ${def.type}`);
  }
}
const aDate = () => new Date('2010-12-01T08:26:00.000Z');

const schemaOf = (schema: unknown) => schema as z.ZodType;

describe('the encoder of a contract', () => {
  for (const { path, contract } of contractsOf(contracts)) {
    it(`writes outputs of ${path} as superjson does`, () => {
      const { output, tracked } = contract.def;
      const random = generator(path.length + 1);
      const encode = encoderOf(contract);
      for (let round = 0; round < 30; round++) {
        const value = valueOf(schemaOf(output), random);
        const item = contract.kind === 'subscription' && tracked ? { id: '7', data: value } : value;
        const text = encode(item);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(serialize(item))));
        expect(deserialize(JSON.parse(text))).toEqual(item);
      }
    });
  }

  const encoderFor = (output: z.ZodType) =>
    encoderOf(query({ summary: '', operationId: '', rest: 'GET /', access: 'public', output }));
  const cases: [string, z.ZodType, unknown][] = [
    ['a date alone', z.date(), aDate()],
    ['nothing', z.undefined(), undefined],
    ['an absent field', z.object({ a: z.date().optional(), b: z.int() }), { a: undefined, b: 1 }],
    [
      'keys with dots and quotes',
      z.object({ 'a.b': z.date(), 'c"\\d': z.array(z.date()) }),
      { 'a.b': aDate(), 'c"\\d': [aDate()] },
    ],
    ['a list of dates', z.array(z.date()), [aDate(), aDate()]],
    ['a tuple', z.tuple([z.date(), z.string()]), [aDate(), 'x']],
    ['a map', z.map(z.string(), z.date()), new Map([['a', aDate()]])],
    ['a set', z.object({ set: z.set(z.date()) }), { set: new Set([aDate()]) }],
    ['a big number', z.object({ big: z.bigint() }), { big: 12_345_678_901_234_567_890n }],
    ['a record of dates', z.record(z.string(), z.date()), { 'x.y': aDate(), z: aDate() }],
    ['fields beside the known', z.looseObject({ a: z.int() }), { a: 1, extra: { at: aDate(), text: 'x' } }],
    ['an untagged union', z.union([z.date(), z.array(z.date())]), [aDate()]],
    ['numbers that JSON lacks', z.object({ n: z.unknown() }), { n: [Number.NaN, -0, Infinity] }],
    ['what a pipe gives', z.object({ at: z.string().pipe(z.transform((text) => new Date(text))) }), { at: aDate() }],
    ['what knows how to write itself', z.unknown(), { own: { toJSON: () => 'other' } }],
  ];
  it.each(cases)('writes %s as superjson does', (_, schema, value) => {
    expect(JSON.parse(encoderFor(schema)(value))).toEqual(JSON.parse(JSON.stringify(serialize(value))));
  });

  it('writes each of two fields that share a date', () => {
    const at = aDate();
    const text = encoderFor(z.object({ a: z.date(), b: z.date() }))({ a: at, b: at });
    expect(deserialize(JSON.parse(text))).toEqual({ a: at, b: at });
  });
});

describe('encodeAnything', () => {
  it('writes plain values by itself and leaves the rest to superjson', () => {
    for (const value of [null, 'x', { a: [1, { at: aDate() }] }, { map: new Map([[1, 2]]) }, undefined, Number.NaN])
      expect(JSON.parse(encodeAnything(value))).toEqual(JSON.parse(JSON.stringify(serialize(value))));
  });
});
