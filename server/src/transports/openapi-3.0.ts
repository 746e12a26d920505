import type { OpenApiDocument } from './openapi.ts';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const mapValues = (node: unknown, change: (value: unknown) => unknown): Json =>
  Object.fromEntries(Object.entries(isObject(node) ? node : {}).map(([key, value]) => [key, change(value)]));

// Only 3.1 knows SPDX identifiers.
const licenseUrl = 'https://www.apache.org/licenses/LICENSE-2.0';

/** The same document in OpenAPI 3.0.3, whose schemas predate JSON Schema 2020-12. */
export function toOpenApi30(document: OpenApiDocument): OpenApiDocument {
  const { summary: _summary, license, ...info } = document.info as unknown as Json;
  const { identifier: _identifier, ...named } = license as Json;
  const schemas = (document.components?.schemas ?? {}) as Json;
  return {
    ...(visit(document, schemas) as OpenApiDocument),
    openapi: '3.0.3',
    info: { ...info, license: { ...named, url: licenseUrl } } as unknown as OpenApiDocument['info'],
  };
}

/** Schemas stand under `schema` everywhere, and under `schemas` among the components. */
function visit(node: unknown, schemas: Json): unknown {
  if (Array.isArray(node)) return node.map((item) => visit(item, schemas));
  if (!isObject(node)) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (key === 'schema') return [key, downgrade(value, schemas)];
      if (key === 'schemas') return [key, mapValues(value, (schema) => downgrade(schema, schemas))];
      // A nullable reference takes no null where it is checked to the letter, and these examples have one.
      if (key === 'application/problem+json') return [key, visit({ ...(value as Json), example: undefined }, schemas)];
      return [key, visit(value, schemas)];
    }),
  );
}

function downgrade(schema: unknown, schemas: Json): unknown {
  if (!isObject(schema)) return schema;
  const below = (inner: unknown) => downgrade(inner, schemas);
  const { type, const: constant, examples, anyOf, oneOf, items, properties, $ref, ...rest } = schema;
  const plain: Json = {
    ...(type !== undefined && { type }),
    ...rest,
    ...(constant !== undefined && { enum: [constant] }),
    ...(Array.isArray(examples) && examples.length > 0 && { example: examples[0] as unknown }),
    ...(items !== undefined && { items: below(items) }),
    ...(properties !== undefined && { properties: mapValues(properties, below) }),
    ...(Array.isArray(oneOf) && { oneOf: oneOf.map(below) }),
  };
  if (typeof $ref === 'string') return Object.keys(plain).length === 0 ? { $ref } : { ...plain, allOf: [{ $ref }] };
  if (Array.isArray(type)) return { ...plain, type: type.find((name) => name !== 'null') as string, nullable: true };
  if (Array.isArray(anyOf)) return alternatives(plain, anyOf.map(below) as Json[], schemas);
  return plain;
}

function alternatives(plain: Json, anyOf: Json[], schemas: Json): Json {
  const rest = anyOf.filter(({ type }) => type !== 'null');
  const [only] = rest;
  if (rest.length === anyOf.length || !only) return { ...plain, anyOf };
  if (rest.length > 1) return { ...plain, anyOf: rest, nullable: true };
  if (typeof only['$ref'] !== 'string') return { ...only, ...plain, nullable: true };
  // `nullable` says something only beside a type.
  const target = schemas[only['$ref'].split('/').at(-1) ?? ''];
  const type = isObject(target) && typeof target['type'] === 'string' ? target['type'] : 'object';
  return { type, ...plain, allOf: [only], nullable: true };
}
