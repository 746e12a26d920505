import { contracts, contractsOf, commonErrors, errors, rolesWith } from '@olympus/contracts';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const packages: Record<string, string> = {
  '@olympus/contracts': 'shared/src',
  '@olympus/database': 'drizzle/src',
  '@olympus/client': 'client-sdk/src',
  '@olympus/server': 'server/src',
};

/** What each room may import, beside itself and libraries. Imports run one way. */
const allowed: Record<string, readonly string[]> = {
  shared: [],
  drizzle: [],
  'client-sdk': ['shared'],
  'server/kernel': ['shared', 'drizzle', 'server/platform'],
  'server/platform': ['shared', 'drizzle', 'server/kernel'],
  'server/events': ['shared', 'drizzle', 'server/kernel', 'server/platform'],
  'server/audit': ['shared', 'drizzle', 'server/kernel', 'server/platform', 'server/events'],
  'server/jobs': ['shared', 'drizzle', 'server/kernel', 'server/platform', 'server/events', 'server/audit'],
  'server/domains': ['shared', 'drizzle', 'server/kernel', 'server/platform', 'server/events', 'server/audit'],
  'server/bridges': ['shared', 'server/kernel', 'server/platform', 'server/events', 'server/transports'],
  'server/transports': ['shared', 'server/kernel'],
};
/** Libraries that a room must not know. */
const forbidden: Record<string, RegExp> = {
  shared: /^(node:|express|drizzle|postgres)/,
  'client-sdk': /^(node:|express|zod|ws)($|\/)/,
  'server/kernel': /^(@trpc\/|express|ws$|find-my-way)/,
  'server/domains': /^(@trpc\/|express|graphql|ws$)/,
  'server/transports': /^(drizzle-orm|postgres|ioredis)/,
};
/** Only types may cross here: the named pair is a documented exception. */
const typesOnly = /^import type /;

interface Source {
  path: string;
  room: string;
  text: string;
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (/^(node_modules|dist|generated|migrations|coverage|\..*)$/.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (/\.(ts|tsx|mts|js|mjs)$/.test(entry.name)) yield path;
  }
}

function roomOf(path: string): string {
  const [top = '', , third = ''] = relative(root, path).split('/');
  return top === 'server' ? (third.includes('.') ? 'server' : `server/${third}`) : top;
}

const sources: Source[] = ['shared', 'drizzle', 'server', 'client-sdk', 'test']
  .flatMap((folder) => [...walk(join(root, folder))])
  .map((path) => ({ path, room: roomOf(path), text: readFileSync(path, 'utf8') }));
const code = sources.filter(({ path }) => !/\.test(-d)?\.tsx?$|[/-]testing(\/|\.ts$)|\/testing-/.test(path));
const name = ({ path }: Source) => relative(root, path);

const importsOf = (text: string) =>
  [...text.matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm)].map((match) => ({
    statement: match[0],
    target: match[1] ?? match[2] ?? '',
  }));

describe('architecture', () => {
  it('reads the code it judges', () => {
    expect(code.length).toBeGreaterThan(60);
    expect(importsOf("import { a } from './x.ts';\nimport 'y';")).toHaveLength(2);
  });

  it('imports run one way', () => {
    const faults: string[] = [];
    for (const source of code) {
      const rooms = allowed[source.room];
      if (!rooms) continue;
      for (const { statement, target } of importsOf(source.text)) {
        const local = target.startsWith('.')
          ? resolve(dirname(source.path), target)
          : packages[target.split('/').slice(0, 2).join('/')];
        const room =
          local && roomOf(join(root, relative(root, resolve(root, local)), target.startsWith('.') ? '' : 'index.ts'));
        if (room && room !== source.room && !rooms.includes(room)) faults.push(`${name(source)} imports ${target}`);
        if (!room && forbidden[source.room]?.test(target) && !typesOnly.test(statement))
          faults.push(`${name(source)} imports ${target}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('platform knows of the kernel only what it implements', () => {
    const faults = code
      .filter(({ room }) => room === 'server/platform')
      .flatMap((source) =>
        importsOf(source.text)
          .filter(({ statement, target }) => target.includes('/kernel/') && !typesOnly.test(statement))
          .map(({ target }) => `${name(source)} imports ${target}`),
      );
    expect(faults).toEqual([]);
  });

  it('domains do not reach into each other’s SQL', () => {
    const faults = code
      .filter(({ path }) => path.includes('/domains/'))
      .flatMap((source) =>
        importsOf(source.text)
          .map(({ target }) => ({ target, path: resolve(dirname(source.path), target) }))
          .filter(
            ({ path }) =>
              /repository/.test(path) &&
              dirname(path) !== dirname(source.path) &&
              !dirname(source.path).startsWith(dirname(path)),
          )
          .map(({ target }) => `${name(source)} imports ${target}`),
      );
    expect(faults).toEqual([]);
  });

  it('files stay short', () => {
    const long = code
      .map((source) => ({ file: name(source), lines: source.text.split('\n').length }))
      .filter(({ lines }) => lines > 320);
    expect(long).toEqual([]);
  });

  it('only config.ts reads the environment', () => {
    const readers = code
      .filter(({ room, text }) => !['test', 'drizzle'].includes(room) && /process\.env\b/.test(text))
      .map(name);
    expect(readers.filter((file) => !['server/src/config.ts', 'server/src/cli/olympus.ts'].includes(file))).toEqual([]);
    expect(
      code
        .filter(({ text }) => /NODE_ENV/.test(text))
        .map(name)
        .filter((file) => !file.startsWith('test/')),
    ).toEqual([]);
  });

  it('every contract names a permission that a role holds, and only registered errors', () => {
    const registry: Record<string, unknown> = { ...commonErrors, ...errors };
    const operationIds = new Set<string>();
    const routes = new Set<string>();
    for (const { path, contract } of contractsOf(contracts)) {
      const { access, errors: declared = {}, operationId, rest } = contract.def;
      expect(access === 'public' || rolesWith(access).length > 0, path).toBe(true);
      for (const [code, spec] of Object.entries(declared)) expect(registry[code], `${path} ${code}`).toBe(spec);
      expect(operationIds.has(operationId), operationId).toBe(false);
      expect(routes.has(rest), rest).toBe(false);
      operationIds.add(operationId);
      routes.add(rest);
    }
  });

  it('every table of a tenant is under forced row-level security', () => {
    const folder = join(root, 'drizzle/migrations');
    const sql = readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    const tables = [...sql.matchAll(/CREATE TABLE "(\w+)" \(([\s\S]*?)\n\);/g)];
    expect(tables.length).toBeGreaterThan(10);
    for (const [, table, body] of tables) {
      expect(sql, `${table} is not forced`).toContain(`ALTER TABLE "${table}" FORCE ROW LEVEL SECURITY`);
      expect(sql, `${table} has no policy`).toMatch(new RegExp(`CREATE POLICY "${table}_\\w+" ON "${table}"`));
      if (body?.includes('"tenant_id"'))
        expect(sql, `${table} has no tenant policy`).toContain(`CREATE POLICY "${table}_of_tenant" ON "${table}"`);
    }
  });

  it('every leak that is sown to see the attacks turn red still fits where it is sown', () => {
    const folder = join(root, 'test/security/leaks');
    const patches = readdirSync(folder).filter((file) => file.endsWith('.patch'));
    expect(patches.length).toBeGreaterThanOrEqual(10);
    for (const patch of patches) execFileSync('git', ['apply', '--check', join(folder, patch)], { cwd: root });
  });
});
