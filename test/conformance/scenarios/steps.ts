import type { Step } from '../scenario.ts';

export const missing = '01890a5d-ac96-774b-bcce-b302099a8057';
export const gbp = (amount: string) => ({ amount, currency: 'GBP' });

export const mug: Step = {
  call: 'products.create',
  input: { sku: 'MUG', name: 'Red mug', price: gbp('4.95'), stock: 10 },
  save: 'mug',
};
export const tea: Step = {
  call: 'products.create',
  input: { sku: 'tea', name: 'Loose tea', price: gbp('0.001') },
  save: 'tea',
};
export const order: Step = {
  call: 'orders.create',
  input: { items: [{ productId: '$mug.id', quantity: 2 }] },
  save: 'order',
};
export const to = (status: string): Step => ({
  call: 'orders.setStatus',
  input: { id: '$order.id', status },
  value: { status },
});
