import type { Scenario } from '../scenario.ts';
import { analytics } from './analytics.ts';
import { auth } from './auth.ts';
import { customers } from './customers.ts';
import { orderKeys } from './order-keys.ts';
import { orderLists } from './order-lists.ts';
import { orders } from './orders.ts';
import { productLists } from './product-lists.ts';
import { productRules } from './product-rules.ts';
import { products } from './products.ts';
import { signIn } from './sign-in.ts';
import { users } from './users.ts';

/** Every call and its answer, as data; `conformance.test.ts` plays them over every protocol. */
export const scenarios: readonly Scenario[] = [
  ...auth,
  ...signIn,
  ...users,
  ...customers,
  ...products,
  ...productRules,
  ...productLists,
  ...orders,
  ...orderLists,
  ...orderKeys,
  ...analytics,
];
