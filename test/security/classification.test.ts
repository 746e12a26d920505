import { describe, expect, it } from 'vitest';
import { classification } from './classification.ts';
import { tree } from './protocols.ts';
import { generic, idFieldsOf } from './sample.ts';

const where = 'test/security/classification.ts';

describe('the classification', () => {
  it('holds every procedure, so that each is attacked', () => {
    const missing = [...tree.keys()].filter((path) => !Object.hasOwn(classification, path));
    expect(missing, `add these to ${where}, one line each`).toEqual([]);
  });

  it('holds nothing that is no procedure', () => {
    expect(
      Object.keys(classification).filter((path) => !tree.has(path)),
      `take these out of ${where}`,
    ).toEqual([]);
  });

  it('names the resource of every id that an input can hold', () => {
    const unnamed = [...tree.keys()].flatMap((path) => {
      const { ids, also } = classification[path] ?? {};
      const named = new Set(Object.keys({ ...ids, ...also }).map(generic));
      return idFieldsOf(path)
        .filter((field) => !named.has(field))
        .map((field) => `${path}: ${field}`);
    });
    expect(unnamed, `say in ${where} what these ids are of`).toEqual([]);
  });

  it('calls a query or a stream a read, and a mutation a write or a sign-in', () => {
    const wrong = [...tree].filter(
      ([path, { kind }]) => (classification[path]?.effect === 'reads') !== (kind !== 'mutation'),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});
