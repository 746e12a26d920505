import type { AnySchema } from '@olympus/contracts';
import type { z } from 'zod';

type Node = z.core.$ZodTypes;
const nodeOf = (schema: AnySchema | z.core.$ZodType): Node => schema as unknown as Node;

/** The schema below optional, nullable, default and the like. */
export function unwrapped(schema: AnySchema | z.core.$ZodType): Node {
  const node = nodeOf(schema);
  const { def } = node._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'catch':
    case 'readonly':
      return unwrapped(def.innerType);
    case 'pipe':
      return unwrapped(def.in);
    case 'lazy':
      return unwrapped(def.getter());
    default:
      return node;
  }
}

/** The fields of an object schema; none for any other. */
export function fieldsOf(schema: AnySchema | undefined): Readonly<Record<string, z.core.$ZodType>> {
  if (!schema) return {};
  const { def } = unwrapped(schema)._zod;
  return def.type === 'object' ? def.shape : {};
}

export type Scalar = 'string' | 'number' | 'boolean' | 'date';

/** What text stands for where a schema is expected. */
export function scalarOf(schema: z.core.$ZodType): Scalar {
  const { def } = unwrapped(schema)._zod;
  if (def.type === 'number' || def.type === 'boolean' || def.type === 'date') return def.type;
  if (def.type === 'literal' && def.values.every((value) => typeof value === 'number')) return 'number';
  if (def.type === 'literal' && def.values.every((value) => typeof value === 'boolean')) return 'boolean';
  return 'string';
}

/** The schema of a list's elements; null for what is no list. */
export function elementOf(schema: z.core.$ZodType): z.core.$ZodType | null {
  const { def } = unwrapped(schema)._zod;
  return def.type === 'array' ? def.element : null;
}
