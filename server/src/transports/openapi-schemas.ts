import type { z } from 'zod';

/** What zod-openapi hands to an override. */
interface Rendered {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
  readonly io: 'input' | 'output';
}

const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
/** Formats say it all: the patterns that zod adds to them are longer than most schemas. */
const selfEvident = new Set(['uuid', 'date', 'date-time', 'email', 'uri']);
export const openEnum = 'Open: later versions may add values.';

/** Turns what zod writes into what generators of clients read best. */
export function readable({ zodSchema, jsonSchema, io }: Rendered): void {
  const { def } = zodSchema._zod;
  switch (def.type) {
    case 'date':
      jsonSchema.type = 'string';
      jsonSchema.format = 'date-time';
      break;
    case 'number':
      boundNumber(jsonSchema);
      break;
    case 'string':
      if (jsonSchema.format && selfEvident.has(jsonSchema.format)) delete jsonSchema.pattern;
      break;
    case 'enum':
      jsonSchema.description = [jsonSchema.description, openEnum].filter(Boolean).join('. ');
      break;
    case 'object':
      // Answers may gain fields; requests name every field they take.
      if (io === 'output') delete jsonSchema.additionalProperties;
      break;
    case 'record':
      delete jsonSchema.propertyNames;
      jsonSchema.additionalProperties = true;
      break;
    case 'union':
      if (jsonSchema.oneOf) delete jsonSchema.type;
      break;
    default:
  }
}

/** The bounds of what a double holds exactly are no rule of the field. */
function boundNumber(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.type === 'number') schema.format = 'double';
  if (schema.type !== 'integer') return;
  const { minimum, maximum } = schema;
  const small =
    typeof minimum === 'number' && typeof maximum === 'number' && minimum >= int32.minimum && maximum <= int32.maximum;
  schema.format = small ? 'int32' : 'int64';
}
