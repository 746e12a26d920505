import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import type * as Client from '@olympus/client';
import { contracts, contractsOf } from '@olympus/contracts';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, registration, setUp, type Setup } from './support.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const sdk = join(here, '../../client-sdk');

/** An empty project with the tarball in it, and what its users would add. */
let project: string;
let tarball: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'olympus-client-'));
  await run('pnpm', ['pack', '--pack-destination', project], { cwd: sdk });
  const [name] = (await readdir(project)).filter((file) => file.endsWith('.tgz'));
  tarball = join(project, name ?? '');
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const others = [
    'typescript@5.9.3',
    'ws@8.23.0',
    '@tanstack/react-query@5.108.0',
    'react@19.3.1',
    '@types/react@19.3.0',
  ];
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
  await run('npm', ['install', ...options, tarball, ...others], { cwd: project });
  await cp(join(here, 'consumer'), project, { recursive: true });
}, 180_000);
afterAll(() => rm(project, { recursive: true, force: true }));

const procedures = [...contractsOf(contracts)].length;
const installed = (path: string) => readFile(join(project, 'node_modules/@olympus/client', path), 'utf8');

describe('the tarball', () => {
  test('is clean for publint', async () => {
    const pkgDir = join(project, 'node_modules/@olympus/client');
    const { messages } = await publint({ pkgDir, pack: false, strict: true });
    expect(messages).toEqual([]);
  });

  test('is clean for arethetypeswrong', async () => {
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    if (!result.types) throw new Error('it has no types');
    expect(Object.keys(result.entrypoints).sort()).toEqual(['.', './package.json', './tanstack']);
    expect(result.problems).toEqual([]);
  });

  test('needs neither contracts nor zod', async () => {
    expect(await readdir(join(project, 'node_modules'))).not.toContain('zod');
    expect(await readdir(join(project, 'node_modules/@olympus'))).toEqual(['client']);
    const { dependencies } = JSON.parse(await installed('package.json')) as { dependencies: object };
    expect(Object.keys(dependencies)).toEqual(['@trpc/client', '@trpc/server']);
    const files = (await readdir(join(project, 'node_modules/@olympus/client/dist'))).filter((file) =>
      /\.d\.c?ts$/.test(file),
    );
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      const text = await installed(`dist/${file}`);
      expect(text).not.toMatch(/from ["'](zod|@olympus)/);
      expect(text.length).toBeLessThan(1_000 * procedures);
    }
  });

  test('names the licences of what it bundles', async () => {
    const text = await installed('dist/THIRD-PARTY-LICENSES.txt');
    for (const name of ['superjson', 'copy-anything', '@trpc/tanstack-react-query']) expect(text).toContain(name);
    expect(await installed('LICENSE')).toContain('Apache License');
    expect(await installed('README.md')).toContain('createOlympus');
  });
});

const bundle = (format: 'esm' | 'iife') =>
  build({
    stdin: { contents: `import * as client from '@olympus/client'; globalThis.client = client;`, resolveDir: project },
    bundle: true,
    minify: true,
    format,
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
  });
const commonGlobals = [
  'AbortController',
  'Blob',
  'clearTimeout',
  'console',
  'crypto',
  'DOMException',
  'fetch',
  'queueMicrotask',
  'ReadableStream',
  'Response',
  'setTimeout',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
] as const;

test('everything weighs at most 25 kB', async () => {
  const { outputFiles, metafile } = await bundle('esm');
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
  console.info(`@olympus/client, everything in it, minified and gzipped: ${bytes} bytes`);
  expect(bytes).toBeLessThanOrEqual(25_000);
  expect(bytes).toBeGreaterThan(10_000);
  expect(Object.keys(metafile.inputs).join()).not.toMatch(/zod|contracts|react/);
});

describe('TypeScript 5.9, checking libraries too', () => {
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
    types: [] as string[],
  };
  const compile = async (options: object, files: string[]) => {
    const config = join(project, `tsconfig.${Math.random().toString(36).slice(2)}.json`);
    await writeFile(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
    const done = await run('node', ['node_modules/typescript/bin/tsc', '-p', config], { cwd: project }).catch(
      (error: { stdout: string }) => error,
    );
    return done.stdout;
  };

  const mistakes = [
    `import { createOlympus } from '@olympus/client';`,
    `const api = createOlympus({ url: 'http://localhost' });`,
    `api.orders.list.query({ limit: '20' });`,
    `api.orders.get.query({ id: 'o' }).then((order) => order.totals);`,
    `api.orders.gett.query({ id: 'o' });`,
    `createOlympus({ urls: 'http://localhost' });`,
  ];

  test('accepts what is right in ES modules and CommonJS, and names every mistake', async () => {
    for (const name of ['same', 'types']) {
      const text = await readFile(join(project, `${name}.ts`), 'utf8');
      await writeFile(join(project, `${name}.cts`), text.replace('./same.ts', './same.cts'));
    }
    await writeFile(join(project, 'mistakes.ts'), mistakes.join('\n'));
    const told = await compile({ module: 'nodenext' }, ['types.ts', 'types.cts', 'tanstack.ts', 'mistakes.ts']);
    const places = [...told.matchAll(/^(\S+)\((\d+),\d+\): error/gm)].map(([, file, line]) => `${file}:${line}`);
    expect(places).toEqual(['mistakes.ts:3', 'mistakes.ts:4', 'mistakes.ts:5', 'mistakes.ts:6']);
  });

  test('accepts it for a bundler, under looser rules', async () => {
    const options = { module: 'esnext', moduleResolution: 'bundler', exactOptionalPropertyTypes: false };
    expect(await compile(options, ['types.ts', 'tanstack.ts'])).toBe('');
  });
});

describe('against a live server', () => {
  let setup: Setup;
  beforeAll(async () => {
    setup = await setUp();
  });
  afterAll(() => setup.close());

  const consume = async (script: string): Promise<unknown> => {
    const account = registration();
    await setup.stranger().auth.register.mutate(account);
    const login = JSON.stringify({ email: account.email, password });
    const { stdout, stderr } = await run('node', [script, setup.olympus.url, login], { cwd: project, timeout: 20_000 });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  };

  test('as an ES module', async () => {
    const told = { date: true, events: ['started', 'product.updated'], code: 999, trpc: true, skus: ['esm'] };
    expect(await consume('run.mjs')).toEqual(told);
  });

  test('with nothing but what browsers, workers and Node have in common', async () => {
    const { outputFiles } = await bundle('iife');
    const shared = Object.fromEntries(commonGlobals.map((name) => [name, globalThis[name]]));
    const context = { ...shared, client: {} as typeof Client };
    runInNewContext(outputFiles[0]?.text ?? '', Object.assign(context, { globalThis: context }));
    const api = context.client.createOlympus({ url: setup.olympus.url, transport: { subscriptions: 'sse' } });
    await api.auth.register.mutate(registration());
    const counters = await api.analytics.live.subscribe({}).next();
    const line = 'number,sku,description,quantity,unitPrice,placedAt\n1,A,Mug,2,1.25,2010-12-01T08:00:00Z\n';
    const { imported } = await api.orders.import.stream(line);
    const { items } = await api.orders.list.query({});
    expect([counters.done, imported, items[0]?.number]).toEqual([false, 1, '1']);
    api.$close();
  });

  test('as CommonJS', async () => {
    const told = { live: 'analytics.counters', imported: 1, lines: [['1', 2010]], code: 404 };
    expect(await consume('run.cjs')).toEqual(told);
  });
});
