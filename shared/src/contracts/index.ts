import { account } from './account.ts';
import { addressRules } from './address-rules.ts';
import { analytics } from './analytics.ts';
import { apiKeys } from './api-keys.ts';
import { audit } from './audit.ts';
import { auth } from './auth.ts';
import { chat } from './chat.ts';
import { customers } from './customers.ts';
import { events } from './events.ts';
import { files } from './files.ts';
import { locations } from './locations.ts';
import { notifications } from './notifications.ts';
import { orders } from './orders.ts';
import { products } from './products.ts';
import { signIn } from './sign-in.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';
import { webhooks } from './webhooks.ts';

/** The whole API. */
export const contracts = {
  auth,
  account,
  signIn,
  users,
  customers,
  locations,
  products,
  orders,
  files,
  analytics,
  apiKeys,
  addressRules,
  audit,
  chat,
  notifications,
  events,
  webhooks,
  tenants,
};
export type Contracts = typeof contracts;
