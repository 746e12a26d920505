import type { InputIssue } from '@olympus/contracts';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import type { Step } from '../execute.ts';
import { Failure } from '../failure.ts';
import { perBatch, watchItems } from '../items.ts';

/** Nothing reaches a handler that its contract does not describe, and nothing else leaves it. */
export const validate: Step = async (call, next) => {
  const { def, kind } = call.procedure.contract;
  // A transport that could not read an input hands over why: whoever may not call learns only that.
  if (call.input instanceof Failure) throw call.input;
  call.input = parseInput(def.input as z.ZodType | undefined, call.input);
  const result = await next(call);
  const output = def.output as z.ZodType;
  return kind === 'subscription'
    ? parseItems(output, result as AsyncIterable<unknown>, def.tracked === true)
    : output.parse(result);
};

interface Parsers {
  readonly item: (item: object) => object;
  readonly batch: (batch: readonly unknown[]) => readonly unknown[];
}
const parsers = new WeakMap<z.ZodType, Parsers>();

/** Items that go to many are parsed once, as long as they are the same objects for all. */
function parsersOf(schema: z.ZodType): Parsers {
  let known = parsers.get(schema);
  if (!known) {
    const item = perBatch<object, object>((given) => {
      const { id, data } = given as { id: string; data: unknown };
      return { id, data: schema.parse(data) };
    });
    const batch = perBatch<readonly unknown[], readonly unknown[]>((given) => given.map((one) => item(one as object)));
    parsers.set(schema, (known = { item, batch }));
  }
  return known;
}

function parseItems(schema: z.ZodType, items: AsyncIterable<unknown>, tracked: boolean): AsyncIterable<unknown> {
  if (!tracked) return watchItems(items, { map: (item) => schema.parse(item) });
  const { item, batch } = parsersOf(schema);
  return watchItems(items, { map: (given) => item(given as object), mapBatch: batch });
}

/** Parses an input, or fails with every fault named. A procedure without input takes nothing or an empty object. */
export function parseInput(schema: z.ZodType | undefined, input: unknown): unknown {
  const parsed = (schema ?? noInput).safeParse(input ?? {});
  if (parsed.success) {
    const unstorable = unstorableTexts(parsed.data, []);
    if (unstorable.length) throw invalidInput(unstorable);
    return schema ? parsed.data : undefined;
  }
  const known = knownFields(schema);
  const issues = parsed.error.issues.flatMap((issue) => issuesOf(issue, [], known));
  throw invalidInput(issues);
}
const noInput = z.strictObject({});

// PostgreSQL's text holds no NUL, and UTF-8 no half of a surrogate pair: it would be stored as something else.
const unstorable = /[\0\p{Surrogate}]/u;

function unstorableTexts(value: unknown, path: readonly string[]): InputIssue[] {
  if (typeof value === 'string') {
    if (!unstorable.test(value)) return [];
    return [
      {
        field: path.join('.'),
        message: 'has a character that cannot be stored',
        code: 'invalid_string',
        nearest: null,
      },
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    // The lines of an import are looked at one by one, and a broken one is left out.
    path.length === 0 && key === 'content' ? [] : unstorableTexts(child, [...path, key]),
  );
}

export function invalidInput(issues: InputIssue[]): Failure<'INVALID_INPUT'> {
  const [first] = issues;
  const detail = first
    ? `${first.field ? `${first.field}: ` : ''}${first.message}${issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''}`
    : 'The input is not valid';
  return new Failure('INVALID_INPUT', { issues }, { detail });
}

function issuesOf(issue: z.core.$ZodIssue, prefix: PropertyKey[], known: readonly string[]): InputIssue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const nearest = known.length ? closest(key, [...known]) : null;
      const field = [...path, key].map(String).join('.');
      return {
        field,
        code: issue.code,
        nearest,
        message: `is not a known field${nearest ? `; the nearest is ${nearest}` : ''}`,
      };
    });
  }
  // The branch of a union that came closest explains more than "invalid input".
  if (issue.code === 'invalid_union') {
    const branch = [...issue.errors].sort((a, b) => a.length - b.length)[0];
    if (branch?.length) return branch.flatMap((inner) => issuesOf(inner, path, known));
  }
  return [{ field: path.map(String).join('.'), message: issue.message, code: issue.code, nearest: null }];
}

function knownFields(schema: z.ZodType | undefined): string[] {
  if (!schema) return [];
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (node instanceof z.ZodObject)
      for (const [name, child] of Object.entries(node.shape)) {
        names.add(name);
        visit(child);
      }
    else if (node instanceof z.ZodOptional || node instanceof z.ZodNullable || node instanceof z.ZodDefault)
      visit(node.unwrap());
    else if (node instanceof z.ZodArray) visit(node.element);
    else if (node instanceof z.ZodUnion) node.options.forEach(visit);
  };
  visit(schema);
  return [...names];
}
