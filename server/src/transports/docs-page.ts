import express, { type Router } from 'express';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { document, type AdmitDocument } from './documents.ts';

export interface DocsOptions {
  /** Where the OpenAPI document is. */
  readonly openApiUrl?: string;
  readonly admit?: AdmitDocument;
}

// Swagger UI writes styles into its elements' attributes; everything else comes from files of this server.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const assets = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png'];

/** Serves the documentation page below the path it is mounted at: Swagger UI from this machine, with requests to try and a field for the bearer token. */
export function docs({ openApiUrl = '/openapi.json', admit = () => null }: DocsOptions = {}): Router {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const router = express.Router();
  router.use((_, response, next) => {
    response.set('Content-Security-Policy', contentSecurityPolicy);
    next();
  });
  router.get('/', (request, response) => {
    response.set('Cache-Control', 'no-cache').type('html').send(docsPage(request.baseUrl));
  });
  const serve = (path: string, bytes: Buffer, cacheControl: string) =>
    router.get(path, document(bytes, { type: extname(path), headers: { 'Cache-Control': cacheControl }, admit }));
  serve('/start.js', Buffer.from(startScript(openApiUrl)), 'no-cache');
  serve('/page.css', Buffer.from(styles), 'no-cache');
  for (const asset of assets) serve(`/${asset}`, readFileSync(join(folder, asset)), 'public, max-age=86400');
  return router;
}

/** The page, whose files are below `base`. */
export const docsPage = (base: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Olympus API</title>
  <link rel="icon" type="image/png" href="${base}/favicon-32x32.png">
  <link rel="stylesheet" href="${base}/swagger-ui.css">
  <link rel="stylesheet" href="${base}/page.css">
</head>
<body>
  <main id="docs"></main>
  <noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
  <script src="${base}/swagger-ui-bundle.js"></script>
  <script src="${base}/start.js"></script>
</body>
</html>
`;

// Swagger UI fills optional parameters with their examples, so that a first try would ask for page AYk6… and find none.
const startScript = (openApiUrl: string): string => `'use strict';
const optionalStartEmpty = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (spec) => {
          for (const item of Object.values(spec.paths ?? {}))
            for (const operation of Object.values(item))
              for (const parameter of operation.parameters ?? []) if (!parameter.required) delete parameter.example;
          return update(spec);
        },
      },
    },
  },
});
window.ui = SwaggerUIBundle({
  url: ${JSON.stringify(openApiUrl)},
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [optionalStartEmpty],
  layout: 'BaseLayout',
});
`;

const styles = `body { margin: 0; }
noscript { display: block; padding: 2rem; font-family: sans-serif; }
.swagger-ui .info { margin: 2rem 0 1rem; }
`;
