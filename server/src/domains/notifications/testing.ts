import {
  contracts,
  type Notification,
  type NotificationEvent,
  type Session,
  type TenantRole,
  type User,
} from '@olympus/contracts';
import { sql } from '@olympus/database';
import { randomUUID } from 'node:crypto';
import { until } from '../../events/testing/installation.ts';
import { startFollowing, type FollowingKernel, type Stream } from '../following-testing.ts';
import { locations } from '../locations/procedures.ts';
import { orders } from '../orders/procedures.ts';
import { createProductImport } from '../products/import.ts';
import { products } from '../products/procedures.ts';
import { nobodyFollows, procedures, withoutImages } from '../testing.ts';
import { users } from '../users/procedures.ts';
import { createNotifications } from './index.ts';

export const password = 'correct horse battery';

/** Somebody signed in, with what they were told. */
export interface Person {
  readonly session: Session;
  readonly id: string;
  call<T = unknown>(path: string, input?: object): Promise<T>;
  refusal(path: string, input?: object): Promise<{ code: string; data: unknown }>;
  told(filters?: object): Promise<Notification[]>;
  follow(input?: object): Promise<Stream<NotificationEvent>>;
}

export interface NotifyingKernel extends FollowingKernel {
  /** A tenant with its owner. */
  open(): Promise<Person>;
  hire(owner: Person, role: TenantRole, over?: object): Promise<Person>;
  /** Resolves once every event of the tenant so far was handled. */
  settled(someone: Person): Promise<void>;
}

const absent = () => {
  throw new Error('not part of these tests');
};

export async function startNotifying(databaseUrl: string | undefined): Promise<NotifyingKernel> {
  const kernel = await startFollowing(databaseUrl, (deps) => {
    const { database, clock, ids, cursors, events, auth } = deps;
    const made = createNotifications({ database, clock, ids, cursors, events });
    const shop = { cursors, images: withoutImages, importer: absent, exporter: absent, follow: absent };
    return {
      procedures: [
        ...procedures('products', contracts.products, products({ ...shop, importer: createProductImport() })),
        ...procedures('orders', contracts.orders, orders(shop)),
        ...procedures('locations', contracts.locations, locations({ cursors })),
        ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
        ...procedures('notifications', contracts.notifications, made.handlers),
      ],
      consumers: [made.consumer],
    };
  });

  function personOf(session: Session): Person {
    const caller = { token: session.accessToken };
    const call: Person['call'] = (path, input = {}) => kernel.call(path, input, caller);
    return {
      session,
      id: session.user.id,
      call,
      refusal: (path, input = {}) => kernel.refusal(path, input, caller),
      told: async (filters = {}) =>
        (await call<{ items: Notification[] }>('notifications.list', { limit: 100, ...filters })).items,
      follow: (input = {}) => kernel.follow('notifications.updates', input, session),
    };
  }

  return {
    ...kernel,
    open: async () => personOf(await kernel.register({ currency: 'GBP' })),
    async hire(owner, role, over = {}) {
      const email = `${randomUUID()}@shop.test`;
      await owner.call<User>('users.create', { email, name: role, role, password, ...over });
      return personOf(await kernel.call<Session>('auth.login', { email, password }));
    },
    async settled({ session }) {
      const principal = await kernel.auth.authenticator.principalOf(session.accessToken);
      await until(async () => {
        kernel.events.relay.wake();
        return (await lagOf(kernel, principal?.tenantId ?? '')) === 0;
      });
    },
  };
}

async function lagOf({ database }: FollowingKernel, tenantId: string): Promise<number> {
  const [row] = await database.tenant(tenantId).rows<{ lag: number }>(sql`
    select (select count(*) from events where tenant_id = ${tenantId}::uuid and (position is null or position > coalesce((
      select position from consumer_offsets where tenant_id = ${tenantId}::uuid and consumer = 'notifications'), 0)))::int as lag`);
  return row?.lag ?? 0;
}
