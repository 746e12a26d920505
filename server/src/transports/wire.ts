import type { AnyContract, AnySchema } from '@olympus/contracts';
import { serialize } from 'superjson';
import type { z } from 'zod';

/**
 * Answers in superjson's format, without its walk over every value: what a contract's output can hold is known, so a
 * plan made once names the places of dates, and `JSON.stringify` writes the rest. What no plan foresees is left to
 * superjson. The identity of repeated values is not told.
 */
export type Encode = (value: unknown) => string;

/** What a visit found. `exact` is false where only superjson says it right. */
interface Found {
  text: string;
  exact: boolean;
}
/**
 * Notes the dates of `value`, which stands at `path`: keys escaped as superjson and as JSON do, parted by dots. Returns
 * what is to be written in its place, dates as text: `JSON.stringify` takes twice the time where it meets a `Date`.
 */
type Visit = (value: unknown, path: string, found: Found) => unknown;
type Node = z.core.$ZodTypes;

const encoders = new WeakMap<AnyContract, Encode>();

/** The encoder of a contract's outputs; of its events, where they are tracked. */
export function encoderOf(contract: AnyContract): Encode {
  let encode = encoders.get(contract);
  if (!encode) {
    const { def } = contract;
    const visit = planOf(def.output);
    encode = encodeBy(contract.kind === 'subscription' && def.tracked ? fieldsVisit([['data', visit]]) : visit);
    encoders.set(contract, encode);
  }
  return encode;
}

const encodeBy =
  (visit: Visit | null): Encode =>
  (value) => {
    const found: Found = { text: '', exact: value !== undefined && !(value instanceof Date) };
    const written = found.exact && visit ? visit(value, '', found) : value;
    if (!found.exact) return JSON.stringify(serialize(value));
    const json = JSON.stringify(written);
    return found.text === '' ? `{"json":${json}}` : `{"json":${json},"meta":{"values":{${found.text}},"v":1}}`;
  };

const segment = (key: string): string => {
  const escaped = key.replaceAll('\\', '\\\\').replaceAll('.', '\\.');
  return JSON.stringify(escaped).slice(1, -1);
};
const below = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`);

const date: Visit = (value, path, found) => {
  found.text += found.text === '' ? `"${path}":["Date"]` : `,"${path}":["Date"]`;
  return (value as Date).toISOString();
};

/** Looks at the value itself, where the schema says too little. */
const anything: Visit = (value, path, found) => {
  if (typeof value === 'number') found.exact &&= Number.isFinite(value) && !Object.is(value, -0);
  else if (value instanceof Date) date(value, path, found);
  else if (Array.isArray(value)) value.forEach((item, index) => anything(item, below(path, index), found));
  else if (isPlain(value)) {
    for (const [key, child] of Object.entries(value)) anything(child, below(path, segment(key)), found);
  } else found.exact &&= value === null || typeof value === 'string' || typeof value === 'boolean';
  return value;
};
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  !('toJSON' in value);

/** Encodes what has no schema of its own. */
export const encodeAnything: Encode = encodeBy(anything);

const fieldsVisit = (fields: readonly (readonly [string, Visit | null])[]): Visit | null => {
  const worth = fields.flatMap(([key, visit]) => (visit ? [{ key, at: segment(key), visit }] : []));
  if (worth.length === 0) return null;
  return (value, path, found) => {
    const record = { ...(value as Record<string, unknown>) };
    for (const { key, at, visit } of worth) record[key] = visit(record[key], below(path, at), found);
    return record;
  };
};

/** The visit that values of a schema need; null where JSON says all there is to say. */
function planOf(schema: AnySchema | z.core.$ZodType): Visit | null {
  const { def } = (schema as unknown as Node)._zod;
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
    case 'enum':
    case 'template_literal':
      return null;
    case 'literal':
      return def.values.every((value) => value !== undefined && typeof value !== 'bigint') ? null : anything;
    case 'date':
      return date;
    case 'object':
      if (def.catchall && def.catchall._zod.def.type !== 'never') return anything;
      return fieldsVisit(Object.entries(def.shape).map(([key, field]) => [key, planOf(field)]));
    case 'array':
      return elementsVisit(planOf(def.element));
    case 'nullable':
      return nullableVisit(planOf(def.innerType));
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'catch':
    case 'readonly':
      return planOf(def.innerType);
    case 'pipe':
      return planOf(def.out);
    case 'record':
      return planOf(def.valueType) ? anything : null;
    case 'union':
      return unionVisit(def);
    default:
      return anything;
  }
}

const nullableVisit = (inner: Visit | null): Visit | null =>
  inner && ((value, path, found) => (value === null ? null : inner(value, path, found)));

const elementsVisit = (inner: Visit | null): Visit | null =>
  inner &&
  ((value, path, found) => (value as readonly unknown[]).map((item, index) => inner(item, below(path, index), found)));

/** A union told apart by a field has a plan for each of its branches. */
function unionVisit(def: z.core.$ZodUnionDef): Visit | null {
  const plans = def.options.map(planOf);
  if (plans.every((plan) => plan === null)) return null;
  const { discriminator } = def as Partial<z.core.$ZodDiscriminatedUnionDef>;
  if (discriminator === undefined) return anything;
  const byTag = new Map<unknown, Visit | null>();
  def.options.forEach((option, index) => {
    for (const tag of option._zod.propValues?.[discriminator] ?? []) byTag.set(tag, plans[index] ?? null);
  });
  return (value, path, found) => {
    const visit = byTag.get((value as Record<string, unknown>)[discriminator]);
    if (visit === null) return value;
    return (visit ?? anything)(value, path, found);
  };
}
