import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { OrderEvent } from '../events.ts';
import { batchResultOf, importOptions, ImportReport } from '../models/bulk.ts';
import { CalendarDay, Decimal, expectedVersion, Id, lastEventId, pageInput, pageOf, sortOf } from '../models/common.ts';
import { newOrder, Order, orderChanges, OrderKind, OrderLine, OrderStatus, OrderSummary } from '../models/order.ts';
import { OrderWorkflow } from '../models/workflow.ts';

const placing = {
  PRODUCT_NOT_FOUND: errors.PRODUCT_NOT_FOUND,
  PRODUCT_INACTIVE: errors.PRODUCT_INACTIVE,
  OUT_OF_STOCK: errors.OUT_OF_STOCK,
};
const {
  CUSTOMER_NOT_FOUND,
  ILLEGAL_TRANSITION,
  IMPORT_REFUSED,
  LOCATION_NOT_FOUND,
  LOCATION_REFUSED,
  ORDER_NOT_FOUND,
  ORDER_NOT_PENDING,
  ORDER_NUMBER_TAKEN,
  PAYMENTS_OFF,
  PAYMENT_BEGUN,
  PAYMENT_PENDING,
} = errors;

const operation = z
  .discriminatedUnion('op', [
    z
      .strictObject({ op: z.literal('create'), order: z.strictObject(newOrder).meta({ id: 'NewOrder' }) })
      .meta({ id: 'CreateOrderOperation' }),
    z
      .strictObject({
        op: z.literal('update'),
        id: Id,
        changes: z.strictObject({ ...orderChanges, expectedVersion }).meta({ id: 'OrderChanges' }),
      })
      .meta({ id: 'UpdateOrderOperation' }),
  ])
  .meta({ id: 'OrderOperation' });

const filters = {
  status: OrderStatus.optional(),
  kind: OrderKind.optional(),
  customerId: Id.optional(),
  placedFrom: CalendarDay.optional().meta({
    description: 'First day on the tenant’s calendar, included',
    examples: ['2010-12-01'],
  }),
  placedTo: CalendarDay.optional().meta({
    description: 'Last day on the tenant’s calendar, included',
    examples: ['2010-12-31'],
  }),
};

export const orders = {
  list: query({
    summary: 'List orders',
    operationId: 'listOrders',
    rest: 'GET /orders',
    access: 'orders:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['placedAt', 'createdAt', 'number', 'total'], '-placedAt'),
      q: z
        .string()
        .trim()
        .min(1)
        .max(64)
        .optional()
        .meta({ description: 'The start of an order number', examples: ['5363'] }),
      ...filters,
      totalFrom: Decimal.optional().meta({ description: 'Least total', examples: ['10.00'] }),
      totalTo: Decimal.optional().meta({ description: 'Greatest total', examples: ['99.99'] }),
    }),
    output: pageOf(OrderSummary, 'OrderPage'),
  }),
  get: query({
    summary: 'Get an order with its items',
    operationId: 'getOrder',
    rest: 'GET /orders/{id}',
    access: 'orders:read',
    input: z.strictObject({ id: Id }),
    output: Order,
    errors: { ORDER_NOT_FOUND },
  }),
  create: mutation({
    summary: 'Place an order: prices, totals and stock are the server’s',
    operationId: 'createOrder',
    rest: 'POST /orders',
    status: 201,
    access: 'orders:write',
    input: z.strictObject(newOrder),
    output: Order,
    errors: { ...placing, CUSTOMER_NOT_FOUND, LOCATION_NOT_FOUND, LOCATION_REFUSED, ORDER_NUMBER_TAKEN, PAYMENTS_OFF },
  }),
  update: mutation({
    summary: 'Change the notes of an order, and its items while it is pending',
    operationId: 'updateOrder',
    rest: 'PATCH /orders/{id}',
    access: 'orders:write',
    input: z.strictObject({ id: Id, ...orderChanges, expectedVersion }),
    output: Order,
    errors: { ORDER_NOT_FOUND, ORDER_NOT_PENDING, PAYMENT_BEGUN, ...placing },
  }),
  setStatus: mutation({
    summary: 'Move an order to its next status',
    operationId: 'setOrderStatus',
    rest: 'PATCH /orders/{id}/status',
    access: 'orders:write',
    input: z.strictObject({ id: Id, status: OrderStatus, expectedVersion }),
    output: Order,
    errors: { ORDER_NOT_FOUND, ILLEGAL_TRANSITION, PAYMENT_PENDING },
  }),
  cancel: mutation({
    summary: 'Cancel an order and give its stock back',
    operationId: 'cancelOrder',
    rest: 'POST /orders/{id}/cancel',
    access: 'orders:write',
    input: z.strictObject({ id: Id, reason: z.string().max(500).optional(), expectedVersion }),
    output: Order,
    errors: { ORDER_NOT_FOUND, ILLEGAL_TRANSITION },
  }),
  workflow: query({
    summary: 'Get how the payment of an order went',
    operationId: 'getOrderWorkflow',
    rest: 'GET /orders/{id}/workflow',
    access: 'orders:read',
    input: z.strictObject({ id: Id }),
    output: OrderWorkflow,
    errors: { ORDER_NOT_FOUND },
  }),
  batch: mutation({
    summary: 'Create and update up to 100 orders; each succeeds or fails alone',
    operationId: 'batchOrders',
    rest: 'POST /orders/batch',
    status: 207,
    access: 'orders:write',
    cost: { each: 'operations' },
    input: z.strictObject({ operations: z.array(operation).min(1).max(100) }),
    output: batchResultOf('order', Order, 'OrderBatch'),
  }),
  import: mutation({
    summary: 'Import order lines as CSV or NDJSON',
    operationId: 'importOrders',
    rest: 'POST /orders/import',
    access: 'orders:import',
    everyLocation: true,
    idempotent: false,
    unitOfWork: 'own',
    upload: ['text/csv', 'application/x-ndjson'],
    query: ['format', 'dryRun', 'strict', 'columns', 'kinds', 'dates'],
    input: z.strictObject({
      ...importOptions,
      kinds: z
        .string()
        .max(500)
        .optional()
        .meta({
          description: '`C=return,A=adjustment`: the kind by prefix of the number',
          examples: ['C=return,A=adjustment'],
        }),
      dates: z
        .enum(['ISO', 'M/D/YYYY H:MM'])
        .meta({ id: 'DateStyle' })
        .optional()
        .meta({ description: 'How instants are written; local ones are read in the tenant’s zone' }),
    }),
    output: ImportReport,
    errors: { IMPORT_REFUSED },
  }),
  export: subscription({
    summary: 'Stream order lines as CSV or NDJSON',
    operationId: 'exportOrders',
    rest: 'GET /orders/export',
    access: 'orders:export',
    rate: 'read',
    download: ['text/csv', 'application/x-ndjson'],
    input: z.strictObject(filters),
    output: OrderLine,
  }),
  updates: subscription({
    summary: 'Follow the changes of orders',
    operationId: 'followOrders',
    rest: 'GET /orders/events',
    access: 'orders:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({
      orderId: Id.optional(),
      status: OrderStatus.optional(),
      lastEventId,
    }),
    output: OrderEvent,
  }),
};
