import { analytics } from './analytics.ts';
import { auth } from './auth.ts';
import { customers } from './customers.ts';
import { locations } from './locations.ts';
import { orders } from './orders.ts';
import { products } from './products.ts';
import { signIn } from './sign-in.ts';
import { users } from './users.ts';

/** The whole API. */
export const contracts = { auth, signIn, users, customers, locations, products, orders, analytics };
export type Contracts = typeof contracts;
