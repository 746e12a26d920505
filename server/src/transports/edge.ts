import express, { type Express, type Handler } from 'express';
import helmet from 'helmet';
import { document, type AdmitDocument } from './documents.ts';
import { problemTypes } from './problem-types.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import { requestIdOf } from './caller.ts';
import { problemOf } from './problem.ts';

export interface EdgeOptions {
  readonly health: {
    overall(): Promise<{ ok: boolean; body: object }>;
    live(): { ok: boolean; body: object };
    ready(): Promise<{ ok: boolean; body: object }>;
  };
  readonly metrics: () => Promise<string>;
  readonly jwks: Handler;
  readonly openApi: (version: '3.1.0' | '3.0.3') => string;
  readonly docs: Handler;
  readonly admitDocument: AdmitDocument;
}

/** A page may load nothing but what it asks for itself, and nobody may frame it. */
const headerOptions: Parameters<typeof helmet>[0] = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  // The server says it for every protocol, where clients come by TLS.
  strictTransportSecurity: false,
};

/** Everything on the port that is no procedure. */
export function createEdge({ health, metrics, jwks, openApi, docs, admitDocument }: EdgeOptions): Express {
  const app = express();
  app.disable('etag');
  app.use(helmet(headerOptions));

  app.get('/health', async (_, response) => report(response, await health.overall()));
  app.get('/health/live', (_, response) => report(response, health.live()));
  app.get('/health/ready', async (_, response) => report(response, await health.ready()));
  app.get('/metrics', async (_, response) => {
    response.type('text/plain; version=0.0.4').send(await metrics());
  });
  app.get('/.well-known/jwks.json', jwks);
  for (const [path, version] of [
    ['/openapi.json', '3.1.0'],
    ['/openapi-3.0.json', '3.0.3'],
  ] as const) {
    const headers = { 'Cache-Control': 'public, max-age=300', 'Access-Control-Allow-Origin': '*' };
    const bytes = Buffer.from(openApi(version));
    app.get(path, document(bytes, { type: 'application/json', headers, admit: admitDocument }));
  }
  app.use('/docs', docs);
  app.use('/problems', problemTypes());
  app.get('/', (_, response) => response.redirect('/docs'));
  app.use((request, response) => refuse(request, response, new Failure('NOT_FOUND', null)));
  // Express tells an error handler by its four parameters.
  // oxlint-disable-next-line max-params
  app.use(((cause, request, response, _next) => {
    // An address that cannot be decoded is nobody's.
    refuse(request, response, cause instanceof URIError ? new Failure('NOT_FOUND', null) : toFailure(cause));
  }) as express.ErrorRequestHandler);
  return app;
}

function refuse(request: express.Request, response: express.Response, failure: Failure): void {
  const problem = problemOf(failure, requestIdOf(request), request.path);
  if (failure.retryAfter !== null) response.set('Retry-After', String(failure.retryAfter));
  response
    .status(failure.status)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problem));
}

function report(response: express.Response, { ok, body }: { ok: boolean; body: object }): void {
  response
    .status(ok ? 200 : 503)
    .set('Cache-Control', 'no-store')
    .json(body);
}
