import { commonErrors, contracts, contractsOf, errors, type Contracts, type ErrorSpec } from '@olympus/contracts';
import type { z } from 'zod';
import { createDocument, createSchema, type ZodOpenApiPathsObject } from 'zod-openapi';
import { toOpenApi30 } from './openapi-3.0.ts';
import { withExamples } from './openapi-examples.ts';
import { errorsOf, responseHeaders } from './openapi-responses.ts';
import { operationOf, tagOf } from './openapi-operation.ts';
import { readable } from './openapi-schemas.ts';
import { routeOf, type Promised } from './rest-route.ts';

export type OpenApiVersion = '3.1.0' | '3.0.3';
export type OpenApiDocument = ReturnType<typeof createDocument>;
export interface OpenApiOptions {
  readonly version: OpenApiVersion;
  /** Scheme and authority; without one, the server that the document came from. */
  readonly serverUrl?: string;
}

const tags: Readonly<Record<keyof Contracts, string>> = {
  auth: 'Signing in and out, and who one is',
  account: 'What users do about their own account: address, password, second factor',
  signIn: 'Signing in through other providers',
  users: 'The people who work with the tenant’s data',
  customers: 'Those who buy',
  locations: 'Where the tenant trades',
  products: 'What is sold, and its stock',
  files: 'Stored bytes, and uploads that can be resumed',
  orders: 'What was ordered, returned and adjusted',
  analytics: 'Figures of what was sold',
  events: 'Events that could not be handled, and handing events over again',
  webhooks: 'Telling partners of events',
  apiKeys: 'Credentials of partners and their programs',
  audit: 'Who did what, sealed in a chain',
  chat: 'Conversations inside a tenant, and who is there',
  notifications: 'What a user is told, and what they have read',
  tenants: 'The platform’s own view of its tenants',
  addressRules: 'From where the tenant may be called',
};

/** The REST API as an OpenAPI document. 3.1 is the document of record; 3.0.3 is the same for tools that need it. */
export function openApiDocument(
  procedures: readonly Promised[],
  { version, serverUrl = '' }: OpenApiOptions,
): OpenApiDocument {
  const names = [...new Set(procedures.map(tagOf))];
  const described: Readonly<Record<string, string>> = tags;
  const document = createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Olympus',
        version: '1.0.0',
        summary: 'A type-safe backend for commerce and hospitality',
        description: introduction,
        contact: { name: 'The maintainers of Olympus' },
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: `${serverUrl}/api/v1`, description: 'Version 1' }],
      tags: names.map((name) => ({ name, description: described[name] ?? `Procedures of ${name}` })),
      security: [{ bearer: [] }],
      paths: pathsOf(procedures),
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of a session' },
        },
        headers: responseHeaders,
      },
      'x-errors': errorRegistry(procedures),
    } as Parameters<typeof createDocument>[0],
    { override: readable },
  );
  const complete = withExamples(document);
  return version === '3.1.0' ? complete : toOpenApi30(complete);
}

/** The document of the whole API as it is committed: JSON of two spaces, with a line's end. */
export function renderOpenApi(version: OpenApiVersion): string {
  whole ??= openApiDocument([...contractsOf(contracts)], { version: '3.1.0' });
  return `${JSON.stringify(version === '3.1.0' ? whole : toOpenApi30(whole), null, 2)}\n`;
}
/** The contracts do not change, and what they promise takes a quarter of a second to write down. */
let whole: OpenApiDocument | undefined;

const introduction = [
  'Every answer that fails is a `Problem` (RFC 9457) whose `code` tells the reason; `x-errors` lists all codes with the data they come with, and each operation names its own.',
  'Unknown fields are refused. Enums and events are open: expect values that this document does not list yet.',
  'Instants are ISO 8601 in UTC, calendar days are `YYYY-MM-DD`, money is an exact decimal in text with its currency.',
].join('\n\n');

function pathsOf(procedures: readonly Promised[]): ZodOpenApiPathsObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const procedure of procedures) {
    const { method, path } = routeOf(procedure);
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(procedure) };
  }
  return paths;
}

const registry: Readonly<Record<string, ErrorSpec>> = { ...commonErrors, ...errors };

function specsOf(procedures: readonly Promised[]): [string, ErrorSpec][] {
  const met = new Set(procedures.flatMap((procedure) => Object.keys(errorsOf(procedure))));
  return Object.entries(registry).filter(([code]) => met.has(code));
}

/** Every code with its status and the schema of its data. */
function errorRegistry(procedures: readonly Promised[]): object {
  return Object.fromEntries(
    specsOf(procedures).map(([code, { status, title, data }]) => [code, { status, title, ...dataSchema(data) }]),
  );
}

/** Written out in place: an extension’s references do not count as uses of a component. */
function dataSchema(data: ErrorSpec['data']): object {
  const name = (data as unknown as z.ZodType).meta()?.id;
  if (!name) return {};
  const { components } = createSchema(data as unknown as z.ZodType, { io: 'output', opts: { override: readable } });
  return { schema: { title: name, ...components[name] } };
}
