// Prints the methods and paths that trpc-to-openapi reads from the tRPC router. It runs in a process of its own
// because that library changes the schemas that it reads.
import { contracts, contractsOf } from '@olympus/contracts';
import type { Kernel } from '@olympus/server/kernel/execute.ts';
import { createRouter } from '@olympus/server/transports/trpc-router.ts';
import { generateOpenApiDocument, type OpenApiRouter } from 'trpc-to-openapi';

const procedures = [...contractsOf(contracts)]
  .filter(({ contract }) => contract.kind !== 'subscription')
  .map((procedure) => ({ ...procedure, handle: () => Promise.reject(new Error('is only read')) }));
const kernel: Kernel = {
  procedures,
  byPath: new Map(procedures.map((procedure) => [procedure.path, procedure])),
  execute: () => Promise.reject(new Error('is only read')),
  onAccessChange: () => () => undefined,
  identify: () => Promise.resolve(null),
  admits: () => true,
  greet: () => Promise.resolve(null),
};
const document = generateOpenApiDocument(createRouter(kernel) as unknown as OpenApiRouter, {
  title: 'Olympus',
  version: '1.0.0',
  baseUrl: 'http://localhost/api/v1',
});
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, { operationId?: string }>).map(
    ([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`,
  ),
);
process.stdout.write(JSON.stringify(operations.sort()));
