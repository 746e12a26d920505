import { z } from 'zod';
import { classification, type Classified } from './classification.ts';
import { tree } from './protocols.ts';
import type { Shop } from './shop.ts';

export function classified(path: string): Classified {
  const found = classification[path];
  if (!found)
    throw new Error(
      `${path} is classified nowhere: add it to test/security/classification.ts, so that every attack is made on it too`,
    );
  return found;
}

/** A valid input of a procedure. A write gets resources of its own, since it may spoil them. */
export async function sampleOf(path: string, shop: Shop): Promise<Record<string, unknown>> {
  const { ids, rest, effect } = classified(path);
  const input = { ...(await rest(shop)) } as Record<string, unknown>;
  for (const [field, resource] of Object.entries(ids))
    setAt(input, field, await (effect === 'reads' ? shop.id(resource) : shop.fresh(resource)));
  return input;
}

/** What a call must name, with its sample's values: nothing where it may name nothing. */
export async function needed(path: string, shop: Shop): Promise<Record<string, unknown>> {
  const input = tree.get(path)?.def.input as z.ZodType | undefined;
  return input?.safeParse({}).success === false ? sampleOf(path, shop) : {};
}

/**
 * The token of whoever is to make attacks with samples. Wrong passwords make their account wait: it is not to be that of
 * the owner, who signs in for samples.
 */
export const attackerOf = async (path: string, shop: Shop): Promise<string> =>
  classified(path).refused ? (await shop.as('viewer')).accessToken : shop.tokenFor(path);

/** Samples for attacks that are all refused, and so leave them as they were: each is made once, since that takes longest. */
export function keptSamples(shop: Shop): (path: string) => Promise<Record<string, unknown>> {
  const kept = new Map<string, Promise<Record<string, unknown>>>();
  return (path) => {
    let sample = kept.get(path);
    if (!sample) kept.set(path, (sample = sampleOf(path, shop)));
    return sample;
  };
}

/** Sets `items.0.productId`; the objects on the way must be there. */
function setAt(root: object, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let node = root as Record<string, unknown>;
  for (const name of names) {
    const next = node[name];
    if (typeof next !== 'object' || next === null) throw new Error(`the sample has no ${name} of ${path}`);
    node = next as Record<string, unknown>;
  }
  node[last] = value;
}

/** Puts a value where a field of the schema is, making what is on the way. */
export function put(input: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...input, [name]: value };
  if (rest[0] === '*') {
    const list = (Array.isArray(input[name]) ? input[name] : [{}]) as Record<string, unknown>[];
    const [, ...below] = rest;
    if (below.length === 0) return { ...input, [name]: [value] };
    // Of the branches of a batch, each item has some of the fields: all get it, and those that may not have it say so.
    return { ...input, [name]: list.map((item) => put(item, below.join('.'), value)) };
  }
  return { ...input, [name]: put((input[name] ?? {}) as Record<string, unknown>, rest.join('.'), value) };
}

/** A copy with one field exchanged. */
export function withField<T extends object>(input: T, path: string, value: unknown): T {
  const copy = structuredClone(input);
  setAt(copy, path, value);
  return copy;
}

export interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

export function schemaOf(path: string, side: 'input' | 'output'): JsonSchema {
  const schema = tree.get(path)?.def[side] as z.ZodType | undefined;
  if (!schema) return {};
  return z.toJSONSchema(schema, { io: side, unrepresentable: 'any' }) as JsonSchema;
}

export interface Field {
  /** `items.*.productId` */
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Every field of a schema that holds no other, with its path; those of each branch of a union. */
export function fieldsOf(root: JsonSchema): Field[] {
  const fields = new Map<string, Field>();
  const visit = (node: JsonSchema, path: readonly string[]): void => {
    if (path.length > 12) return;
    if (node.$ref) return visit(root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {}, path);
    for (const branch of [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]) visit(branch, path);
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, [...path, name]);
    if (node.items) visit(node.items, [...path, '*']);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, [...path, '*']);
    const name = path.join('.');
    if (node.type && node.type !== 'object' && node.type !== 'array' && node.type !== 'null')
      fields.set(`${name}:${node.format ?? node.type}`, { path: name, schema: node });
  };
  visit(root, []);
  return [...fields.values()];
}

/** The fields of an input that hold ids. */
export const idFieldsOf = (path: string): string[] =>
  fieldsOf(schemaOf(path, 'input'))
    .filter(({ schema }) => schema.format === 'uuid')
    .map((field) => field.path);

/** `items.0.productId` as the contract knows it: `items.*.productId`. */
export const generic = (path: string): string => path.replaceAll(/\.\d+(?=\.|$)/g, '.*');
