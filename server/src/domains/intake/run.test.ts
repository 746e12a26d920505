import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import { runImport, type ImportInput, type ImportJob } from './run.ts';
import { LineFault } from './values.ts';

interface Item {
  readonly line: number;
  readonly sku: string;
}
type Job = ImportJob<'sku', Item>;

/** A job over one column that remembers what it was told. */
function createJob(overrides: Partial<Job> = {}) {
  const told: string[][] = [];
  const job: Job = {
    table: { columns: ['sku'], required: ['sku'], text: ['sku'] },
    batchSize: 3,
    read: ({ sku }, line) => {
      if (sku.startsWith('bad')) throw new LineFault('sku is bad');
      return { line, sku };
    },
    together: (before, item) => before.sku === item.sku,
    check: async (items) =>
      items.filter(({ sku }) => sku === 'taken').map(({ line }) => ({ line, message: 'is taken' })),
    write: async (items) => {
      told.push(items.map(({ sku }) => sku));
      return [];
    },
    finish: async () => {
      told.push(['finish']);
    },
    ...overrides,
  };
  return { job, told };
}

const contextOf = (overrides: object = {}) =>
  ({ upload: null, signal: new AbortController().signal, log: { warn: () => {} }, ...overrides }) as unknown as Context;
const run = (lines: string[], job: Job, given: { input?: Partial<ImportInput>; ctx?: object } = {}) => {
  const content = ['sku', ...lines].join('\n');
  const input = { dryRun: false, strict: false, ...(given.ctx ? {} : { content }), ...given.input };
  return runImport(contextOf(given.ctx), input, job);
};
async function* stream(text: string, end?: Error) {
  yield Buffer.from(text);
  if (end) throw end;
}
const uploadOf = (lines: string[], end?: Error) => ({
  upload: { mediaType: 'text/csv', stream: stream(['sku', ...lines, ''].join('\n'), end) },
});
const spools = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('olympus-import-'));

describe('running an import', () => {
  it('goes on batch by batch, keeps lines together, and finishes', async () => {
    const { job, told } = createJob();
    const tally = await run(['a', 'b', 'c', 'd', 'd', 'd', 'd', 'd', 'e', 'bad', 'f'], job);
    expect(told).toEqual([['a', 'b', 'c'], ['d', 'd', 'd', 'd', 'd'], ['e', 'f'], ['finish']]);
    expect(tally).toEqual({ lines: 11, failed: 1, errors: [{ line: 11, message: 'sku is bad' }] });
  });

  it('keeps no more than twice a batch together', async () => {
    const { job, told } = createJob();
    await run(
      Array.from({ length: 10 }, () => 'x'),
      job,
    );
    expect(told.map((batch) => batch.length)).toEqual([6, 4, 1]);
  });

  it('keeps the first 1,000 faults, and counts all', async () => {
    const { job } = createJob();
    const tally = await run(
      Array.from({ length: 1500 }, (_, index) => (index % 3 ? 'bad' : 'good')),
      job,
    );
    expect(tally.failed).toBe(1000);
    const all = await run(
      Array.from({ length: 1500 }, () => 'bad'),
      job,
    );
    expect(all).toMatchObject({ lines: 1500, failed: 1500 });
    expect(all.errors.map(({ line }) => line)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 2));
  });

  it('checks only, when it is a dry run', async () => {
    const { job, told } = createJob();
    const tally = await run(['a', 'taken', 'bad'], job, { input: { dryRun: true } });
    expect(tally).toMatchObject({ lines: 3, failed: 2 });
    expect(tally.errors.map(({ line }) => line)).toEqual([3, 4]);
    expect(told).toEqual([]);
  });

  it.each([
    ['inline', () => ({})],
    ['streamed', (lines: string[]) => ({ ctx: uploadOf(lines) })],
  ])('refuses whole what is strict and has a fault: %s', async (_, given) => {
    for (const dryRun of [false, true]) {
      const { job, told } = createJob();
      const lines = [...Array.from({ length: 20 }, () => 'a'), 'bad', 'taken'];
      const refused: unknown = await run(lines, job, { ...given(lines), input: { strict: true, dryRun } }).catch(
        (error: unknown) => error,
      );
      expect(refused).toMatchObject({
        code: 'IMPORT_REFUSED',
        data: {
          lines: 22,
          failed: 2,
          errors: [
            { line: 22, message: 'sku is bad' },
            { line: 23, message: 'is taken' },
          ],
        },
      });
      expect(told).toEqual([]);
    }
    const { job, told } = createJob();
    const lines = Array.from({ length: 20_000 }, (_unused, index) => `line ${index}`);
    const before = await spools();
    const tally = await run(lines, job, { ...given(lines), input: { strict: true } });
    expect(tally).toEqual({ lines: 20_000, failed: 0, errors: [] });
    expect(told.flat().slice(0, -1)).toEqual(lines);
    expect(await spools()).toEqual(before);
  });

  it('finds the line that the database cannot store', async () => {
    const stored: string[] = [];
    const { job } = createJob({
      batchSize: 8,
      write: async (items) => {
        if (items.some(({ sku }) => sku === 'overflow'))
          throw Object.assign(new Error('out of range'), { code: '22003' });
        stored.push(...items.map(({ sku }) => sku));
        return [];
      },
    });
    const tally = await run(['a', 'b', 'c', 'overflow', 'd', 'e'], job);
    expect(stored).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(tally).toEqual({ lines: 6, failed: 1, errors: [{ line: 5, message: 'has a value that cannot be stored' }] });
  });

  it('passes on any other fault of the database, after finishing', async () => {
    const { job, told } = createJob({
      write: () => Promise.reject(Object.assign(new Error('gone'), { code: '57P01' })),
    });
    await expect(run(['a'], job)).rejects.toThrow('gone');
    expect(told).toEqual([['finish']]);
  });

  it('keeps what was imported before the input broke off', async () => {
    const { job, told } = createJob();
    const lines = ['a', 'b', 'c', 'd'];
    await expect(run(lines, job, { ctx: uploadOf(lines, new Failure('CANCELLED', null)) })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(told).toEqual([['a', 'b', 'c'], ['finish']]);
  });

  it('stops when the caller has left', async () => {
    const controller = new AbortController();
    const { job, told } = createJob({
      write: async (items) => {
        controller.abort();
        told.push(items.map(({ sku }) => sku));
        return [];
      },
    });
    const lines = ['a', 'b', 'c', 'd'];
    await expect(run(lines, job, { ctx: { ...uploadOf(lines), signal: controller.signal } })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(told).toEqual([['a', 'b', 'c'], ['finish']]);
  });

  it('needs an input, of a format it knows by the media type', async () => {
    const { job, told } = createJob();
    await expect(run([], job, { ctx: {} })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      data: { issues: [{ field: 'content' }] },
    });
    const upload = { mediaType: 'application/x-ndjson; charset=utf-8', stream: stream('{"sku":"j"}') };
    expect(await run([], job, { ctx: { upload } })).toMatchObject({ lines: 1, failed: 0 });
    expect(await run([], job, { input: { format: 'ndjson', content: '{"sku":"k"}' } })).toMatchObject({ lines: 1 });
    expect(told).toEqual([['j'], ['finish'], ['k'], ['finish']]);
  });
});
