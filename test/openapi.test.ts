import { contracts, contractsOf } from '@olympus/contracts';
import { openApiDocument, renderOpenApi } from '@olympus/server/transports/openapi.ts';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Json = Record<string, unknown>;
interface Operation extends Json {
  operationId: string;
  tags: string[];
  security: object[];
  parameters: (Json & { name: string; in: string; schema: Json })[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, Json & { $ref?: string; content?: Record<string, { schema: Json }> }>;
}
interface Document extends Json {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json>; responses: Record<string, Operation['responses'][string]> };
}

const all = [...contractsOf(contracts)];
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const read = (version: '3.1.0' | '3.0.3') => JSON.parse(renderOpenApi(version)) as Document;
const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ line: `${method.toUpperCase()} ${path}`, operation })),
  );
const nameOf = ({ $ref }: { $ref?: string }) => $ref?.split('/').at(-1) ?? '';

/** Every schema of a document with the place it stands at, the schemas inside it included. */
function* schemasOf(node: unknown, place = ''): Generator<{ place: string; schema: Json }> {
  if (Array.isArray(node)) for (const [index, item] of node.entries()) yield* schemasOf(item, `${place}/${index}`);
  if (!isObject(node)) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'schema') yield* within(value, `${place}/schema`);
    else if (key === 'schemas')
      for (const [name, schema] of Object.entries(value as Json)) yield* within(schema, `${place}/schemas/${name}`);
    else yield* schemasOf(value, `${place}/${key}`);
  }
}
function* within(schema: unknown, place: string): Generator<{ place: string; schema: Json }> {
  if (!isObject(schema)) return;
  yield { place, schema };
  for (const [name, field] of Object.entries((schema['properties'] ?? {}) as Json))
    yield* within(field, `${place}.${name}`);
  yield* within(schema['items'], `${place}[]`);
  for (const key of ['allOf', 'anyOf', 'oneOf'])
    for (const option of (schema[key] ?? []) as Json[]) yield* within(option, `${place}|${key}`);
}

/** Names of the components that a schema reaches. */
function reached(document: Document, from: Iterable<unknown>): Set<string> {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    for (const [, name] of JSON.stringify(node ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name === undefined || names.has(name)) continue;
      names.add(name);
      visit(document.components.schemas[name]);
    }
  };
  for (const node of from) visit(node);
  return names;
}

it('is committed as the contracts have it; `pnpm openapi` writes it', async () => {
  expect(await readFile(join(import.meta.dirname, '..', 'openapi.json'), 'utf8')).toBe(renderOpenApi('3.1.0'));
});

it('names the server it was asked to', () => {
  const document = openApiDocument(all, { version: '3.1.0', serverUrl: 'https://api.example' });
  expect(document.servers).toMatchObject([{ url: 'https://api.example/api/v1' }]);
});

describe.each(['3.1.0', '3.0.3'] as const)('the OpenAPI %s document', (version) => {
  const document = read(version);
  const operations = operationsOf(document);

  it('has every procedure, and nothing else', () => {
    expect(document['openapi']).toBe(version);
    expect(operations.map(({ line }) => line).sort()).toEqual(all.map(({ contract }) => contract.def.rest).sort());
  });

  it('names every schema: objects and enums stand among the components only', () => {
    const inline = [...schemasOf(document)].filter(
      ({ place, schema }) =>
        !/^\/components\/schemas\/\w+$/.test(place) &&
        !place.startsWith('/x-errors/') &&
        ('properties' in schema ||
          (Array.isArray(schema['enum']) && schema['enum'].length > 1) ||
          'additionalProperties' in schema),
    );
    expect(inline.map(({ place }) => place)).toEqual([]);
  });

  it('resolves every reference', () => {
    for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = pointer?.split('/').reduce<unknown>((node, key) => (node as Json | undefined)?.[key], document);
      expect(target, pointer).toBeDefined();
    }
  });

  it('has one error schema, on every 4xx and 5xx, and lists the codes', () => {
    for (const { line, operation } of operations) {
      const failures = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
      const codes: unknown[] = [];
      for (const [, answer] of failures) {
        const failure = answer.$ref ? document.components.responses[nameOf(answer)] : answer;
        expect(failure?.content, line).toMatchObject({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
        codes.push(...(failure?.['x-error-codes'] as string[]));
      }
      expect(new Set(codes), line).toEqual(new Set(operation['x-error-codes'] as string[]));
    }
    for (const { path, contract } of all) {
      const { operation } =
        operations.find(({ operation }) => operation.operationId === contract.def.operationId) ?? {};
      expect(operation?.['x-error-codes'], path).toEqual(
        expect.arrayContaining(Object.keys(contract.def.errors ?? {})),
      );
      expect(Object.keys(document['x-errors'] as Json)).toEqual(
        expect.arrayContaining(operation?.['x-error-codes'] as string[]),
      );
    }
  });

  it('leaves answers open, with every field required', () => {
    const answers = reached(
      document,
      operations.map(({ operation }) => operation.responses),
    );
    expect(answers.size).toBeGreaterThan(30);
    for (const name of answers) {
      const schema = document.components.schemas[name] ?? {};
      expect(schema['additionalProperties'], name).not.toBe(false);
      if (schema['properties']) expect(schema['required'], name).toEqual(Object.keys(schema['properties']));
    }
  });

  it('documents enums as open, without a default and without a value called name', () => {
    const enums = Object.entries(document.components.schemas).filter(([, schema]) => Array.isArray(schema['enum']));
    expect(enums.length).toBeGreaterThan(5);
    for (const [name, schema] of enums) {
      expect(schema['description'], name).toContain('Open: later versions may add values');
      expect(schema['enum'], name).not.toContain('name');
    }
    const names = new Set(enums.map(([name]) => name));
    for (const { place, schema } of schemasOf(document))
      if ('default' in schema)
        expect(
          [...reached(document, [schema])].filter((name) => names.has(name)),
          place,
        ).toEqual([]);
  });

  it('has unions of named objects with a discriminator, and types of one kind', () => {
    const unions = [...schemasOf(document)].filter(({ schema }) => 'oneOf' in schema);
    expect(unions.length).toBe(10);
    for (const { place, schema } of unions) {
      const { propertyName, mapping } = schema['discriminator'] as {
        propertyName: string;
        mapping: Record<string, string>;
      };
      expect(Object.values(mapping), place).toEqual((schema['oneOf'] as { $ref: string }[]).map(({ $ref }) => $ref));
      for (const [value, $ref] of Object.entries(mapping)) {
        const tag = (
          document.components.schemas[nameOf({ $ref })]?.['properties'] as Record<string, Json> | undefined
        )?.[propertyName];
        expect(tag).toEqual(version === '3.1.0' ? { type: 'string', const: value } : { type: 'string', enum: [value] });
      }
    }
    for (const { place, schema } of schemasOf(document)) {
      const types = [schema['type'] ?? []].flat().filter((type) => type !== 'null');
      expect(types.length, place).toBeLessThanOrEqual(1);
      const options = ((schema['anyOf'] ?? []) as Json[]).filter(({ type }) => type !== 'null');
      expect(options.length, place).toBeLessThanOrEqual(1);
    }
  });

  it('is explicit in its formats, and free of what zod adds to them', () => {
    for (const { place, schema } of schemasOf(document)) {
      const types = [schema['type']].flat();
      if (types.includes('integer')) expect(schema['format'], place).toMatch(/^int(32|64)$/);
      if (types.includes('number')) expect(schema['format'], place).toBe('double');
      if (['uuid', 'date', 'date-time', 'email'].includes(String(schema['format'])))
        expect(schema, place).not.toHaveProperty('pattern');
      for (const bound of ['minimum', 'maximum'])
        expect(Math.abs(Number(schema[bound] ?? 0)), place).toBeLessThan(2 ** 53 - 1);
      expect(((schema['pattern'] ?? '') as string).length, place).toBeLessThan(120);
    }
    const order = document.components.schemas['Order']?.['properties'] as Record<string, Json>;
    expect(order['placedAt']).toEqual({ type: 'string', format: 'date-time' });
    expect(document.components.schemas['Id']).toMatchObject({ type: 'string', format: 'uuid' });
    expect(document.components.schemas['CalendarDay']).toMatchObject({ type: 'string', format: 'date' });
  });

  it('has operationIds that Dart can use, one tag each, and says where no credential is needed', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (document['tags'] as { name: string; description: string }[]).map(({ name, description }) => {
      expect(description.length).toBeGreaterThan(5);
      return name;
    });
    for (const { line, operation } of operations) {
      expect(operation.operationId).toMatch(/^[a-z][a-zA-Z]+$/);
      expect(reserved).not.toContain(operation.operationId);
      expect(operation.tags, line).toHaveLength(1);
      expect(tags).toContain(operation.tags[0]);
      const { contract } = all.find(({ contract }) => contract.def.rest === line) ?? {};
      expect(operation.security, line).toEqual(contract?.def.access === 'public' ? [] : [{ bearer: [] }]);
    }
  });

  it('has an example on every parameter', () => {
    const parameters = operations.flatMap(({ operation }) => operation.parameters);
    expect(parameters.length).toBeGreaterThan(60);
    for (const parameter of parameters) expect(parameter['example'], parameter.name).toBeDefined();
    const headers = parameters.filter(({ in: place }) => place === 'header').map(({ name }) => name);
    expect(new Set(headers)).toEqual(
      new Set(['Idempotency-Key', 'If-Match', 'If-None-Match', 'If-Range', 'Last-Event-ID', 'Prefer', 'Range']),
    );
  });

  it('is JSON everywhere except what is marked as a stream', () => {
    for (const { line, operation } of operations) {
      const sent = Object.keys(operation.requestBody?.content ?? {}).filter((type) => type !== 'application/json');
      expect(sent, line).toEqual(operation['x-upload'] ?? []);
      const got = Object.entries(operation.responses)
        .filter(([status]) => Number(status) < 300)
        .flatMap(([, { content }]) => Object.keys(content ?? {}))
        .filter((type) => type !== 'application/json');
      const expected = operation['x-event-stream'] ? ['text/event-stream'] : (operation['x-download'] ?? []);
      expect([...new Set(got)], line).toEqual(expected);
    }
    const follow = document.paths['/orders/events']?.['get'];
    expect(follow?.['x-event-stream']).toBe(true);
    expect(follow?.responses['200']?.content).toEqual({
      'text/event-stream': { schema: { $ref: '#/components/schemas/OrderEvent' } },
      'application/json': { schema: { $ref: '#/components/schemas/OrderEventPoll' } },
    });
  });

  it('names request bodies after their operations, and keeps them closed', () => {
    const bodies = operations.flatMap(({ operation }) => {
      const schema = operation.requestBody?.content['application/json']?.schema;
      return schema ? [[operation.operationId, nameOf(schema)] as const] : [];
    });
    expect(bodies.length).toBeGreaterThan(15);
    for (const [id, name] of bodies) {
      expect(name).toBe(`${id.charAt(0).toUpperCase()}${id.slice(1)}Request`);
      expect(document.components.schemas[name]?.['additionalProperties']).toBe(false);
    }
    const patch = document.components.schemas['UpdateProductRequest'];
    expect(patch?.['required']).toBeUndefined();
    expect(patch?.['properties']).not.toHaveProperty('id');
  });

  it('tells null as its version does', () => {
    const text = JSON.stringify(document.components.schemas);
    const product = document.components.schemas['Product']?.['properties'] as Record<string, Json>;
    if (version === '3.1.0') {
      expect(text).not.toContain('"nullable"');
      expect(product['description']).toEqual({ type: ['string', 'null'] });
    } else {
      expect(text).not.toMatch(/"const"|"examples"|"null"|"type":\[/);
      expect(product['description']).toEqual({ type: 'string', nullable: true });
    }
    expect(document['info']).toMatchObject({ license: { name: 'Apache-2.0' } });
  });
});

// https://dart.dev/language/keywords
const reserved =
  'abstract as assert async await base break case catch class const continue covariant default deferred do dynamic else enum export extends extension external factory false final finally for get hide if implements import in interface is late library mixin new null of on operator part required rethrow return sealed set show static super switch sync this throw true try type typedef var void when while with yield'.split(
    ' ',
  );

describe('other tools', () => {
  const run = promisify(execFile);
  const bin = (name: string) => join(import.meta.dirname, 'node_modules/.bin', name);
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'olympus-openapi-'));
    await writeFile(join(folder, '3.1.json'), renderOpenApi('3.1.0'));
    await writeFile(join(folder, '3.0.json'), renderOpenApi('3.0.3'));
    await writeFile(join(folder, 'spectral.yaml'), 'extends: ["spectral:oas"]\n');
    const faulty = read('3.1.0');
    Object.assign(faulty.paths['/orders']?.['get'] ?? {}, { operationId: undefined, description: undefined });
    faulty.components.schemas['Unused'] = { type: 'object' };
    await writeFile(join(folder, 'faulty.json'), JSON.stringify(faulty));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const outputOf = (file: string, args: string[]) =>
    run(file, args, { cwd: folder, env, maxBuffer: 2 ** 26 }).then(
      ({ stdout }) => stdout,
      // Linters say by their exit status that they have found something.
      (error: { stdout: string }) => error.stdout,
    );
  async function redocly(file: string): Promise<unknown[]> {
    const output = await outputOf(bin('redocly'), ['lint', '--extends=recommended', '--format=json', file]);
    return (JSON.parse(output) as { problems: unknown[] }).problems;
  }

  it('Redocly finds nothing', async () => {
    expect(await redocly('3.1.json')).toEqual([]);
    expect(await redocly('3.0.json')).toEqual([]);
    expect((await redocly('faulty.json')).length).toBeGreaterThanOrEqual(2);
  }, 120_000);

  it('Spectral finds nothing', async () => {
    const rules = ['--ruleset', 'spectral.yaml', '--format=json', '--quiet', '--fail-severity=hint'];
    const output = await outputOf(bin('spectral'), ['lint', ...rules, '3.1.json', '3.0.json', 'faulty.json']);
    const found = JSON.parse(output) as { source: string; code: string; message: string }[];
    expect(found.filter(({ source }) => !source.endsWith('faulty.json'))).toEqual([]);
    expect(found.length).toBeGreaterThanOrEqual(2);
  }, 120_000);

  it('trpc-to-openapi reads the same methods and paths from the tRPC router', async () => {
    const script = join(import.meta.dirname, 'openapi-of-router.ts');
    const { stdout } = await run(process.execPath, ['--import', 'tsx', script], { cwd: import.meta.dirname });
    const expected = all
      .filter(({ contract }) => contract.kind !== 'subscription')
      .map(({ contract }) => contract.def.rest.trim());
    const lines = (JSON.parse(stdout) as string[]).map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(lines.sort()).toEqual(expected.sort());
  }, 60_000);
});
