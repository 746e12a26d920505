import { listOrders, serve, tenantOf } from './common.ts';

// The least that answers: no routing, no validation, no framework.
serve(async (request, response) => {
  try {
    const body = JSON.stringify({ items: await listOrders(await tenantOf(request.headers.authorization)) });
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  } catch {
    response.writeHead(401).end();
  }
});
