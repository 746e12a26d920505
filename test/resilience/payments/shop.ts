import type { Order, OrderWorkflow } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { registerTenant, rest } from '../../harness.ts';
import type { Served } from '../../processes.ts';

export const stocked = 1000;

/** A tenant that sells one product, on whichever server is given. */
export interface Counter {
  place(server: Served, number: string, method: string): Promise<Order>;
  move(server: Served, id: string, ...statuses: string[]): Promise<void>;
  read(server: Served, id: string): Promise<Order>;
  flow(server: Served, id: string): Promise<OrderWorkflow>;
  /** Waits until the payment of an order stands so. */
  paid(server: Served, id: string, paymentStatus: string): Promise<void>;
  /** Moves an order through what leads to a status. */
  complete(server: Served, id: string): Promise<void>;
}

export async function openCounter(server: Served): Promise<Counter> {
  const { accessToken: token } = await registerTenant(server.url);
  const call = async <T>(url: string, method: string, path: string, body?: object): Promise<T> => {
    const headers = method === 'GET' ? {} : { 'idempotency-key': randomUUID() };
    const ask = () => rest<T>(url, { method, path, token, headers, ...(body && { body }) });
    let answer = await ask();
    // As any client does; a busy machine may have the database be late.
    for (let tries = 0; answer.status === 503 && tries < 10; tries++) {
      await sleep(1000);
      answer = await ask();
    }
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const price = { amount: '4.95', currency: 'GBP' };
  const product = { sku: 'MUG', name: 'Mug', price, stock: stocked };
  const { id: productId } = await call<{ id: string }>(server.url, 'POST', '/products', product);
  const counter: Counter = {
    place: ({ url }, number, method) =>
      call(url, 'POST', '/orders', { number, items: [{ productId, quantity: 2 }], payment: { method } }),
    async move({ url }, id, ...statuses) {
      for (const status of statuses) await call(url, 'PATCH', `/orders/${id}/status`, { status });
    },
    read: ({ url }, id) => call(url, 'GET', `/orders/${id}`),
    flow: ({ url }, id) => call(url, 'GET', `/orders/${id}/workflow`),
    paid: (served, id, paymentStatus) =>
      vi.waitFor(async () => expect(await counter.read(served, id)).toMatchObject({ paymentStatus }), {
        timeout: 60_000,
        interval: 100,
      }),
    complete: (served, id) => counter.move(served, id, 'preparing', 'ready', 'completed'),
  };
  return counter;
}
