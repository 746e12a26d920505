import type { OpenApiDocument } from './openapi.ts';

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Gives every parameter the description and the example of its schema, which then says only what is allowed.
 * Throws for a parameter without an example: its contract must give one.
 */
export function withExamples(document: OpenApiDocument): OpenApiDocument {
  const complete = (place: string) => (parameter: Json) => {
    const { schema } = parameter;
    const example = parameter['example'] ?? exampleOf(schema) ?? exampleOf(target(document, schema));
    if (example === undefined) throw new Error(`${place}: ${parameter['name']} needs an example`);
    const description = parameter['description'] ?? descriptionOf(schema);
    return { ...parameter, ...(description !== undefined && { description }), schema: bare(schema), example };
  };
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => {
    const operations = Object.entries(item as Record<string, Json>).map(([method, operation]) => {
      const parameters = (operation['parameters'] ?? []) as Json[];
      return [method, { ...operation, parameters: parameters.map(complete(`${method} ${path}`)) }];
    });
    return [path, Object.fromEntries(operations)];
  });
  return { ...document, paths: Object.fromEntries(paths) as NonNullable<OpenApiDocument['paths']> };
}

function exampleOf(schema: unknown): unknown {
  if (!isObject(schema)) return undefined;
  const [first] = [...((schema['examples'] ?? []) as unknown[]), ...((schema['enum'] ?? []) as unknown[])];
  return schema['example'] ?? first;
}

const descriptionOf = (schema: unknown): unknown => (isObject(schema) ? schema['description'] : undefined);

function bare(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const { description: _description, example: _example, examples: _examples, ...rest } = schema;
  return rest;
}

function target({ components }: OpenApiDocument, schema: unknown): unknown {
  const reference = isObject(schema) ? schema['$ref'] : undefined;
  return typeof reference === 'string' ? components?.schemas?.[reference.split('/').at(-1) ?? ''] : undefined;
}
