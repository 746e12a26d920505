import { commonErrors, errors, type ErrorSpec } from '@olympus/contracts';
import express, { type Router } from 'express';
import { problemType } from './problem.ts';

interface ProblemKind {
  readonly type: string;
  readonly code: string;
  readonly status: number;
  readonly title: string;
}

/** Every problem that REST answers with, by the last part of its `type`. */
export const problemKinds: ReadonlyMap<string, ProblemKind> = new Map(
  Object.entries<ErrorSpec>({ ...commonErrors, ...errors }).map(([code, { status, title }]) => {
    const type = problemType(code);
    return [type.slice('/problems/'.length), { type, code, status, title }];
  }),
);

/** Describes what the `type` of a problem points to, as JSON or as a page. */
export function problemTypes(): Router {
  const router = express.Router();
  const headers = { 'Cache-Control': 'public, max-age=3600' };
  router.get('/', (_, response) => {
    response.set(headers).json({ items: [...problemKinds.values()] });
  });
  router.get('/:kind', (request, response, next) => {
    const found = problemKinds.get(request.params.kind);
    if (!found) {
      next();
      return;
    }
    response.set(headers).format({
      json: () => response.json(found),
      html: () => response.send(page(found)),
    });
  });
  return router;
}

const page = ({ code, status, title }: ProblemKind): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${code}</title></head>
<body>
  <h1>${code}</h1>
  <p>${title}. HTTP status ${status}.</p>
  <p>The <a href="/docs">documentation</a> names the operations that answer with it.</p>
</body>
</html>
`;
