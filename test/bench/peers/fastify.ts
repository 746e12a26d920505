import Fastify from 'fastify';
import { announce, listOrders, tenantOf } from './common.ts';

const app = Fastify();
app.get('/orders', async (request, reply) => {
  try {
    return { items: await listOrders(await tenantOf(request.headers.authorization)) };
  } catch {
    return reply.code(401).send();
  }
});
await app.listen({ port: 0, host: '127.0.0.1' });
announce((app.server.address() as { port: number }).port);
