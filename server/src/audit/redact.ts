import type { AnyContract } from '@olympus/contracts';
import { z } from 'zod';

export const redacted = '[redacted]';
/** Characters of one field that is kept whole, and of all fields together. */
const bounds = { field: 2000, whole: 8000 };

const secretName =
  /pass(word|phrase|wd)|secret|token|credential|authorization|cookie|api-?_?key$|private-?_?key|recovery|^(key|code|codes|otp|totp|pin|nonce|verifier|content)$/i;
/** A customer's code is the shop's own number for them. */
const openCodes = /^customers\./;
/** Tokens of ours and signed ones, and links that need no credential, whatever field they stand in. */
const secretText = /^otpauth:|\/file-links\/[\w-]|\bol[a-z]_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\./;

type Fields = Record<string, unknown>;
export type Redact = (value: unknown) => Fields | null;

/**
 * Makes what the audit log keeps of a contract's values: without secrets, which names, schemas of `format: 'password'` and
 * the look of a text tell; bounded; lists of an answer only by their length. null for what is no object.
 */
export interface Redaction {
  readonly input: Redact;
  /** Of resources as they were and are. */
  readonly state: Redact;
  readonly result: Redact;
}

export function redactionOf(path: string, { def }: AnyContract): Redaction {
  const passwords = new Set([...passwordFields(def.input), ...passwordFields(def.output)]);
  const isSecret = (name: string): boolean =>
    passwords.has(name) || (secretName.test(name) && !(name === 'code' && openCodes.test(path)));
  const make =
    (listsWhole: boolean): Redact =>
    (value) => {
      if (!isFields(value)) return null;
      return bounded(clean(value, { isSecret, listsWhole }) as Fields);
    };
  return { input: make(true), state: make(true), result: make(false) };
}

interface Rules {
  readonly isSecret: (name: string) => boolean;
  readonly listsWhole: boolean;
}

function clean(value: unknown, rules: Rules): unknown {
  if (typeof value === 'string') return secretText.test(value) ? redacted : value;
  if (Array.isArray(value)) return rules.listsWhole ? value.map((item) => clean(item, rules)) : { count: value.length };
  if (!isFields(value)) return value;
  const kept: Fields = {};
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    kept[name] = rules.isSecret(name) && field !== null ? redacted : clean(field, rules);
  }
  return kept;
}

/** Cuts long fields with a mark, and everything where many fields are still too long together. */
function bounded(fields: Fields): Fields {
  let whole = 0;
  const kept: Fields = {};
  for (const [name, field] of Object.entries(fields)) {
    const { length } = JSON.stringify(field);
    kept[name] = length > bounds.field ? cut(length) : field;
    whole += Math.min(length, bounds.field) + name.length;
  }
  return whole > bounds.whole ? { cut: cut(whole) } : kept;
}
const cut = (length: number): string => `[cut: ${length} characters]`;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Names of the fields, at any depth, whose schemas say that they are passwords. */
function passwordFields(schema: unknown): Set<string> {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  const visit = (node: unknown, name: string): void => {
    if (!(node instanceof z.ZodType) || seen.has(node)) return;
    if (node.meta()?.['format'] === 'password') names.add(name);
    else seen.add(node);
    if (node instanceof z.ZodObject) for (const [key, child] of Object.entries(node.shape)) visit(child, key);
    else if (node instanceof z.ZodArray) visit(node.element, name);
    else if (node instanceof z.ZodUnion) for (const option of node.options) visit(option, name);
    else if (node instanceof z.ZodOptional || node instanceof z.ZodNullable || node instanceof z.ZodDefault)
      visit(node.unwrap(), name);
  };
  visit(schema, '');
  return names;
}

/** The fields of two states of a resource that differ, without those that every change touches. */
export function differences(
  before: Fields | null,
  after: Fields | null,
): { before: Fields | null; after: Fields | null } {
  if (!before || !after) return { before, after };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => name !== 'updatedAt' && JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (fields: Fields): Fields =>
    Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, fields[name]]));
  return { before: pick(before), after: pick(after) };
}
