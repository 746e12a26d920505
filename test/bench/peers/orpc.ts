import { ORPCError, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/node';
import { z } from 'zod';
import { listOrders, serve, tenantOf } from './common.ts';

const base = os.$context<{ authorization: string | undefined }>();
const router = {
  orders: {
    list: base
      .route({ method: 'GET' })
      .input(z.object({ limit: z.int().min(1).max(100).default(20) }))
      .handler(async ({ context }) => {
        const tenantId = await tenantOf(context.authorization).catch(() => null);
        if (!tenantId) throw new ORPCError('UNAUTHORIZED');
        return { items: [...(await listOrders(tenantId))] };
      }),
  },
};
const handler = new RPCHandler(router);
serve(async (request, response) => {
  const { matched } = await handler.handle(request, response, {
    prefix: '/rpc',
    context: { authorization: request.headers.authorization },
  });
  if (!matched) response.writeHead(404).end();
});
