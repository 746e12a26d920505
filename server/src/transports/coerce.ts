import type { z } from 'zod';
import { scalarOf, unwrapped, type Scalar } from './schema-shape.ts';

const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Text as the scalar that is expected; unchanged where it cannot be one, so that validation names the field. */
const fromText: Record<Scalar, (text: string) => unknown> = {
  string: (text) => text,
  number: (text) => (number.test(text) ? Number(text) : text),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  date: (text) => toDate(text),
};

/** Compiles the reading of a query or path value. */
export const textDecoder = (schema: z.core.$ZodType): ((text: string) => unknown) => fromText[scalarOf(schema)];

function toDate(value: unknown): unknown {
  if (typeof value !== 'string' || !instant.test(value)) return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}

type Revive = (value: unknown) => unknown;
type Plain = Record<string, unknown>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Compiles the turning of ISO 8601 text into dates where a schema has them; null where it has none. Changes the value in place. */
export function dateReviver(schema: z.core.$ZodType): Revive | null {
  const { def } = unwrapped(schema)._zod;
  switch (def.type) {
    case 'date':
      return toDate;
    case 'array': {
      const each = dateReviver(def.element);
      return each && ((value) => (Array.isArray(value) ? value.map(each) : value));
    }
    case 'record': {
      const each = dateReviver(def.valueType);
      return each && ((value) => (isPlain(value) ? inPlace(value, Object.keys(value), () => each) : value));
    }
    case 'object': {
      const fields = new Map<string, Revive>();
      for (const [name, field] of Object.entries(def.shape)) {
        const revive = dateReviver(field);
        if (revive) fields.set(name, revive);
      }
      return fields.size === 0
        ? null
        : (value) => (isPlain(value) ? inPlace(value, fields.keys(), (name) => fields.get(name)) : value);
    }
    case 'union':
      return unionReviver(def);
    default:
      return null;
  }
}

function inPlace(value: Plain, names: Iterable<string>, reviverOf: (name: string) => Revive | undefined): Plain {
  for (const name of names) if (Object.hasOwn(value, name)) value[name] = reviverOf(name)?.(value[name]);
  return value;
}

/** A discriminated union revives by its chosen option; any other only where one option alone has dates. */
function unionReviver(def: z.core.$ZodUnionDef): Revive | null {
  const revivers = def.options.map(dateReviver);
  if (revivers.every((revive) => revive === null)) return null;
  const { discriminator } = def as z.core.$ZodDiscriminatedUnionDef;
  if (discriminator === undefined) return revivers.find((revive) => revive !== null) ?? null;
  return (value) => {
    if (!isPlain(value)) return value;
    const chosen = def.options.findIndex((option) =>
      option._zod.propValues?.[discriminator]?.has(value[discriminator] as z.core.util.Primitive),
    );
    return revivers[chosen]?.(value) ?? value;
  };
}
