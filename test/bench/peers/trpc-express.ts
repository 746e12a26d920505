import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { orders } from '@olympus/database/schema';
import express from 'express';
import superjson from 'superjson';
import { client, serve, tenantOf } from './common.ts';
import { z } from 'zod';

// The usual template: express, tRPC's own adapter, superjson, drizzle's query builder. Token check and query, nothing else.
const db = drizzle(client);
const t = initTRPC.context<{ tenantId: string | null }>().create({ transformer: superjson });
const signedIn = t.procedure.use(({ ctx, next }) => {
  if (!ctx.tenantId) throw new TRPCError({ code: 'UNAUTHORIZED' });
  return next({ ctx: { tenantId: ctx.tenantId } });
});
const router = t.router({
  orders: t.router({
    list: signedIn.input(z.object({ limit: z.int().min(1).max(100).default(20) })).query(async ({ ctx, input }) => ({
      items: await db
        .select()
        .from(orders)
        .where(eq(orders.tenantId, ctx.tenantId))
        .orderBy(desc(orders.placedAt), desc(orders.id))
        .limit(input.limit),
    })),
  }),
});

const app = express();
app.use(
  '/trpc',
  createExpressMiddleware({
    router,
    createContext: async ({ req }) => ({ tenantId: await tenantOf(req.headers.authorization).catch(() => null) }),
  }),
);
serve(app);
