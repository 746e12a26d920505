import { issue } from './input-issue.ts';

/** Bounds of what callers send, which superjson itself does not have. */
export const inputBounds = { depth: 32, digits: 40 } as const;

type Tree = [type: string] | { readonly [path: string]: Tree };
type Revive = (value: unknown) => unknown;

/** The types that a caller may send beside JSON's own. RegExp, Error, classes and collections are none of them. */
const revivers: Readonly<Record<string, Revive>> = {
  undefined: () => undefined,
  Date: (value) => (typeof value === 'string' && value.length <= 40 ? new Date(value) : refuse('must be a date')),
  number: (value) =>
    typeof value === 'string' && /^(NaN|-?Infinity|-0)$/.test(value) ? Number(value) : refuse('must be a number'),
  bigint: (value) =>
    typeof value === 'string' && new RegExp(`^-?\\d{1,${inputBounds.digits}}$`).test(value)
      ? BigInt(value)
      : refuse(`must be a whole number of at most ${inputBounds.digits} digits`),
};
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Reads JSON text that should hold superjson values. Throws `INVALID_INPUT` naming `field`. */
export function parseText(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw issue(field, 'must be valid JSON', 'invalid_json');
  }
}

/**
 * The input that a parsed superjson payload stands for; undefined where none was sent. Throws `INVALID_INPUT` with
 * the place of what is too deep, reaches a prototype, or has a type that is not accepted.
 * References between values are left out: superjson repeats the values themselves.
 */
export function decodeInput(payload: unknown): unknown {
  if (payload === undefined) return undefined;
  if (!isRecord(payload) || !Object.hasOwn(payload, 'json')) {
    throw issue('', 'must be a superjson value, such as {"json":{}}', 'invalid_format');
  }
  const { json, meta } = payload;
  inspect(json, []);
  if (meta === undefined || meta === null) return json;
  if (!isRecord(meta)) return refuse('meta must be an object');
  if (meta['values'] === undefined) return json;
  const root = { value: json };
  revive(root, 'value', { tree: meta['values'], legacy: !(Number(meta['v'] ?? 0) >= 1), depth: 0 });
  return root.value;
}

/** Goes through a value once, so that nothing behind it needs to be afraid of it. */
function inspect(value: unknown, path: (string | number)[]): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw issue(path.join('.'), 'must not contain NUL', 'invalid_format');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (path.length >= inputBounds.depth)
    throw issue(path.slice(0, 3).join('.'), `must not be nested deeper than ${inputBounds.depth} levels`, 'too_deep');
  const visit = (key: string | number, child: unknown): void => {
    path.push(key);
    inspect(child, path);
    path.pop();
  };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) visit(index, value[index]);
    return;
  }
  for (const key of Object.keys(value)) {
    if (forbidden.has(key)) throw issue([...path, key].join('.'), 'is not allowed as a name', 'unrecognized_keys');
    visit(key, (value as Record<string, unknown>)[key]);
  }
}

interface Annotation {
  readonly tree: unknown;
  /** superjson before its version 2 knew no backslash in paths. */
  readonly legacy: boolean;
  readonly depth: number;
}

function revive(holder: object, key: string, { tree, legacy, depth }: Annotation): void {
  if (depth > inputBounds.depth) refuse('meta is nested too deep');
  if (Array.isArray(tree)) {
    const [type] = tree as unknown[];
    const reviver = typeof type === 'string' && Object.hasOwn(revivers, type) ? revivers[type] : undefined;
    if (!reviver || tree.length !== 1)
      // Written out, what is no name could be nested as deep as the body is long.
      refuse(
        `meta has a type that is not accepted: ${typeof type === 'string' ? JSON.stringify(type).slice(0, 40) : 'it has no name'}`,
      );
    else place(holder, key, reviver);
    return;
  }
  if (!isRecord(tree)) return refuse('meta.values must name types');
  const parent: unknown = (holder as Record<string, unknown>)[key];
  for (const [path, child] of Object.entries(tree as Record<string, Tree>)) {
    const keys = segmentsOf(path, legacy);
    const last = keys.pop() ?? '';
    const target = keys.reduce(step, parent);
    if (typeof target !== 'object' || target === null || forbidden.has(last) || !Object.hasOwn(target, last))
      refuse(`meta names a place that is not there: ${path.slice(0, 100)}`);
    else revive(target, last, { tree: child, legacy, depth: depth + 1 });
  }
}

function step(value: unknown, key: string): unknown {
  const found = typeof value === 'object' && value !== null && !forbidden.has(key) && Object.hasOwn(value, key);
  return found ? (value as Record<string, unknown>)[key] : undefined;
}

function place(holder: object, key: string, reviver: Revive): void {
  const values = holder as Record<string, unknown>;
  values[key] = reviver(values[key]);
}

/** The keys of a superjson path: parted by dots, a backslash before dots and backslashes that belong to a key. */
function segmentsOf(path: string, legacy: boolean): string[] {
  if (!path.includes('\\')) return path.split('.');
  const keys: string[] = [];
  let key = '';
  for (let at = 0; at < path.length; at++) {
    const character = path[at] ?? '';
    const next = path[at + 1];
    if (character === '\\' && (next === '.' || (next === '\\' && !legacy))) {
      key += next;
      at++;
    } else if (character === '.') {
      keys.push(key);
      key = '';
    } else key += character;
  }
  return [...keys, key];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refuse = (message: string): never => {
  throw issue('', message, 'invalid_format');
};
