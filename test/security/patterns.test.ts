import { checkSync } from 'recheck';
import { describe, expect, it } from 'vitest';
import { tree } from './protocols.ts';
import { fieldsOf, schemaOf } from './sample.ts';

/** Every pattern that a caller's text meets: those of JSON schema, and those that a contract's zod schema holds. */
const patterns = new Map<string, Set<string>>();
const add = (pattern: string, place: string): void =>
  void patterns.set(pattern, (patterns.get(pattern) ?? new Set()).add(place));
for (const [path, { def }] of tree) {
  for (const { path: field, schema } of fieldsOf(schemaOf(path, 'input')))
    if (schema.pattern) add(schema.pattern, `${path}.${field}`);
  const seen = new Set<unknown>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null || seen.has(node)) return;
    seen.add(node);
    if (node instanceof RegExp) add(node.source, path);
    else for (const child of Object.values(node)) visit(child);
    if ('_zod' in node) visit((node._zod as { def: unknown }).def);
    if ('shape' in node) visit(node.shape);
  };
  visit(def.input);
}

describe('patterns of the contracts', () => {
  it('are found', () => {
    expect(patterns.size).toBeGreaterThan(8);
  });
  it.each([...patterns])('%s takes time in proportion to the text', (pattern, places) => {
    const found = checkSync(pattern, '', { timeout: 20_000 });
    expect(found.status, [...places].join(', ')).toBe('safe');
    if (found.status === 'safe') expect(['safe', 'linear']).toContain(found.complexity.type);
  });
  it('a pattern that is not linear would be found', () => {
    expect(checkSync('^(a+)+$', '').status).toBe('vulnerable');
    expect(checkSync('^a*a*b$', '').status).toBe('vulnerable');
  });
});
