/**
 * Signs in, lists the latest orders, then follows what happens to orders until it is stopped:
 *
 *   OLYMPUS_PASSWORD='…' npx pnpm exec tsx test/examples/orders.ts
 *
 * OLYMPUS_URL and OLYMPUS_EMAIL name another server or user than the demo's.
 */
import { createOlympus, isFailure } from '@olympus/client';

const {
  OLYMPUS_URL: url = 'http://localhost:4000',
  OLYMPUS_EMAIL: email = 'owner@demo.olympus.test',
  OLYMPUS_PASSWORD: password = '',
} = process.env;
const api = createOlympus({ url, transport: { subscriptions: 'sse' } });

// Cut off behind a pipe, there is nobody left to tell.
process.stdout.on('error', () => process.exit());

try {
  const { user } = await api.auth.login.mutate({ email, password });
  console.log(`Signed in as ${user.name}.`);
} catch (error) {
  console.error(isFailure(error, 'INVALID_CREDENTIALS') ? 'The password is wrong: set OLYMPUS_PASSWORD.' : error);
  process.exit(1);
}

const { items } = await api.orders.list.query({ limit: 5 });
for (const { number, status, placedAt, total } of items)
  console.log(
    `${placedAt.toISOString()}  ${number.padEnd(10)} ${status.padEnd(10)} ${total.amount.padStart(10)} ${total.currency}`,
  );

console.log('\nFollowing orders; place one to see it here. Ctrl-C ends.');
api.orders.updates.subscribe(
  {},
  {
    onData: ({ data }) =>
      console.log('order' in data ? `${data.type}: ${data.order.number} is ${data.order.status}` : data.type),
    onError: (error) => console.error(error.message),
  },
);
