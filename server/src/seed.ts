import type { contracts, ParsedInputOf, Session } from '@olympus/contracts';
import type { Caller } from './kernel/context.ts';
import type { Kernel } from './kernel/execute.ts';
import { Failure } from './kernel/failure.ts';
import type { Clock } from './platform/clock.ts';
import type { Ids } from './platform/ids.ts';
import { catalogue, demoEmail, inventOrders, people } from './seed-data.ts';

export interface SeedOptions {
  readonly kernel: Kernel;
  /** Opens a tenant even where registration is closed. */
  readonly openTenant: (registration: ParsedInputOf<typeof contracts.auth.register.def>) => Promise<Session>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Given by the operator; otherwise one is made, to be shown once. */
  readonly password: string | null;
}
/** The demo tenant's sign-in; the password is null when an earlier start made the tenant. */
export interface DemoLogin {
  readonly email: string;
  readonly password: string | null;
}

/** Makes the demo tenant through the same procedures that clients call, unless it exists. */
export async function seedDemo({ kernel, openTenant, clock, ids, password }: SeedOptions): Promise<DemoLogin> {
  const secret = password ?? ids.secret(12);
  let caller: Caller = {
    protocol: 'rest',
    requestId: 'seed',
    traceId: '0'.repeat(31) + '1',
    address: 'local',
    credential: null,
  };
  const call = <T>(path: string, input: unknown) => {
    const procedure = kernel.byPath.get(path);
    if (!procedure) throw new Error(`no procedure ${path}`);
    return kernel.execute({ procedure, caller, input, signal: new AbortController().signal }) as Promise<T>;
  };

  try {
    const session = await openTenant({
      tenant: 'Harbour Lane',
      name: 'Demo Owner',
      email: demoEmail,
      password: secret,
      timeZone: 'Europe/London',
      currency: 'GBP',
    });
    caller = { ...caller, credential: session.accessToken };
  } catch (error) {
    if (error instanceof Failure && error.code === 'EMAIL_TAKEN') return { email: demoEmail, password: null };
    throw error;
  }

  for (const location of ['Harbour Lane 4', 'Market Hall']) await call('locations.create', { name: location });
  for (const { code, ...person } of people) await call('customers.create', { code, ...person });
  const { results } = await call<{ results: { product: { id: string } | null }[] }>('products.batch', {
    operations: catalogue.map((product) => ({ op: 'create', product })),
  });
  await call('orders.import', { format: 'csv', content: inventOrders(clock.now()) });

  const products = results.flatMap(({ product }) => (product ? [product.id] : []));
  for (const [index, steps] of openOrders.entries()) {
    const items = [0, 1].map((step) => ({
      productId: products[(index * 3 + step) % products.length] ?? '',
      quantity: 1 + ((index + step) % 3),
    }));
    const order = await call<{ id: string }>('orders.create', { items, country: 'United Kingdom' });
    for (const status of steps) await call('orders.setStatus', { id: order.id, status });
  }
  return { email: demoEmail, password: secret };
}

/** Orders of today, each moved along as far as its list goes. */
const openOrders = [
  [],
  [],
  ['confirmed'],
  ['confirmed', 'preparing'],
  ['confirmed', 'preparing', 'ready'],
  ['cancelled'],
  ['confirmed', 'preparing', 'ready', 'completed'],
];
