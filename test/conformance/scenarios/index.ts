import type { Scenario } from '../scenario.ts';
import { access } from './access.ts';
import { account } from './account.ts';
import { addressRules } from './address-rules.ts';
import { analytics } from './analytics.ts';
import { apiKeys } from './api-keys.ts';
import { audit } from './audit.ts';
import { webhooks } from './webhooks.ts';
import { events } from './events.ts';
import { auth } from './auth.ts';
import { chat } from './chat.ts';
import { customers } from './customers.ts';
import { files } from './files.ts';
import { notifications } from './notifications.ts';
import { orderKeys } from './order-keys.ts';
import { orderLists } from './order-lists.ts';
import { orders } from './orders.ts';
import { productLists } from './product-lists.ts';
import { productRules } from './product-rules.ts';
import { products } from './products.ts';
import { sessions } from './sessions.ts';
import { tenants } from './tenants.ts';
import { signIn } from './sign-in.ts';
import { users } from './users.ts';

/** Every call and its answer, as data; `conformance.test.ts` plays them over every protocol. */
export const scenarios: readonly Scenario[] = [
  ...auth,
  ...sessions,
  ...account,
  ...signIn,
  ...users,
  ...customers,
  ...products,
  ...productRules,
  ...productLists,
  ...files,
  ...orders,
  ...orderLists,
  ...orderKeys,
  ...analytics,
  ...apiKeys,
  ...tenants,
  ...access,
  ...addressRules,
  ...audit,
  ...chat,
  ...notifications,
  ...events,
  ...webhooks,
];
