import { contracts, type Order, type OrderWorkflow } from '@olympus/contracts';
import { sql } from '@olympus/database';
import type { Clock } from '../../../platform/clock.ts';
import type { PaymentProvider } from '../../../platform/payments/provider.ts';
import { simulatedPayments } from '../../../platform/payments/simulator.ts';
import { products } from '../../products/procedures.ts';
import { procedures, startTestKernel, withoutImages, type TestKernel } from '../../testing.ts';
import { orders } from '../procedures.ts';
import { openShop, type Shop } from '../testing.ts';
import type { Boundary, OrderJob } from './drive.ts';
import { createOrderWorkflow, type OrderWorkflow as Workflow } from './index.ts';

const absent = () => {
  throw new Error('not part of these tests');
};
export const patience = { callMs: 150, authorizeMs: 60_000, holdMs: 7 * 86_400_000 };

/** What the provider holds and has taken for an order, as its own books say. */
export interface Booked {
  readonly kind: string;
  readonly refused: string | null;
  readonly requests: number;
}

/** Shops over one database whose payments are simulated, and whose workflow is driven by hand. */
export interface PayingShops {
  /** The workflow's and the provider's: `ahead` by so many milliseconds. */
  readonly clock: Clock & { ahead: number };
  readonly workflow: Workflow;
  /** Jobs that were sent, with the times they are for. */
  readonly sent: { job: OrderJob; at: Date | null }[];
  /** Called at every boundary; replaced by tests. */
  boundary: (at: Boundary) => Promise<void>;
  open(): Promise<PayingShop>;
  close(): Promise<void>;
}
export interface PayingShop extends Shop {
  /** Places an order for one of a product of which there are ten, to be paid by a token. */
  pay(method: string): Promise<{ order: Order; productId: string; job: OrderJob }>;
  flow(orderId: string): Promise<OrderWorkflow>;
  /** `step outcome` of each entry of the history. */
  history(orderId: string): Promise<string[]>;
  booked(orderId: string): Promise<Booked[]>;
  move(orderId: string, ...statuses: string[]): Promise<void>;
}

export async function startPayingShops(databaseUrl: string | undefined, given?: PaymentProvider): Promise<PayingShops> {
  const kernel = await startTestKernel({
    databaseUrl,
    procedures: ({ cursors }) => [
      ...procedures(
        'products',
        contracts.products,
        products({ cursors, images: withoutImages, importer: absent, follow: absent }),
      ),
      ...procedures(
        'orders',
        contracts.orders,
        orders({ cursors, importer: absent, exporter: absent, follow: absent, authorizeMs: patience.authorizeMs }),
      ),
    ],
  });
  const { database, ids } = kernel;
  // A clock of its own: tokens would expire with the kernel's.
  const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
  const sent: PayingShops['sent'] = [];
  const shops: PayingShops = {
    clock,
    sent,
    boundary: async () => {},
    workflow: createOrderWorkflow({
      database,
      provider: given ?? simulatedPayments({ database, clock, ids }),
      patience,
      clock,
      ids,
      log: { error() {}, warn() {} },
      send: async (job, at) => void sent.push({ job, at }),
      onBoundary: (at) => shops.boundary(at),
    }),
    open: async () => payingShop(kernel, await openShop(kernel)),
    close: () => kernel.close(),
  };
  return shops;
}

function payingShop({ database }: TestKernel, shop: Shop): PayingShop {
  const flow = (id: string) => shop.call<OrderWorkflow>('orders.workflow', { id });
  return {
    ...shop,
    async pay(method) {
      const { id: productId } = await shop.product({ stock: 10 });
      const order = await shop.order([{ productId, quantity: 1 }], { payment: { method } });
      return { order, productId, job: { tenantId: shop.tenantId, orderId: order.id } };
    },
    flow,
    history: async (id) => (await flow(id)).steps.map(({ step, outcome }) => `${step} ${outcome}`),
    booked: (id) =>
      database.systemDb.rows<Booked>(sql`
        select kind, refused, requests from simulated_payments where key like ${`${shop.tenantId}:${id}:%`} order by ordinal`),
    async move(id, ...statuses) {
      for (const status of statuses) await shop.call('orders.setStatus', { id, status });
    },
  };
}
