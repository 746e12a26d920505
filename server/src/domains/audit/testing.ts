import {
  contracts,
  type AuditEntry,
  type AuditHead,
  type AuditVerification,
  type Role,
  type Session,
  type User,
} from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { createSealer } from '../../audit/sealer.ts';
import { createLogger } from '../../platform/logger.ts';
import { customers } from '../customers/procedures.ts';
import { locations } from '../locations/procedures.ts';
import { createOrderImport } from '../orders/import.ts';
import { orders } from '../orders/procedures.ts';
import { products } from '../products/procedures.ts';
import {
  nobodyFollows,
  procedures,
  startTestKernel,
  withoutImages,
  type TestDependencies,
  type TestKernel,
} from '../testing.ts';
import { users } from '../users/procedures.ts';
import { audit } from './procedures.ts';

export const password = 'correct horse battery';
const absent = () => {
  throw new Error('not part of these tests');
};

export interface AuditedKernel extends TestKernel {
  open(): Promise<Office>;
  /** Runs statements as the superuser that owns the database. */
  asSuperuser(statements: string): Promise<void>;
}

/** A tenant with its owner signed in. */
export interface Office {
  readonly tenantId: string;
  readonly session: Session;
  readonly token: string;
  call<T = unknown>(path: string, input?: unknown, key?: string): Promise<T>;
  refusal(path: string, input?: unknown): Promise<{ code: string; data: unknown }>;
  /** Adds a user and signs them in. */
  colleague(role: Role): Promise<Session>;
  /** The sealed entries, oldest first. */
  entries(filters?: object): Promise<AuditEntry[]>;
  head(): Promise<AuditHead>;
  verify(range?: object): Promise<AuditVerification>;
}

/** A kernel whose mutations are sealed as they are in the program. */
export async function startAudited(databaseUrl: string | undefined): Promise<AuditedKernel> {
  let stop: () => Promise<void> = async () => {};
  const all = ({ database, clock, cursors, auth }: TestDependencies) => {
    const sealer = createSealer({ database, clock, log: createLogger({ level: 'silent' }) });
    sealer.start();
    stop = () => sealer.stop();
    return [
      ...procedures('users', contracts.users, users({ cursors, account: auth.account, follow: nobodyFollows })),
      ...procedures('customers', contracts.customers, customers({ cursors, follow: nobodyFollows })),
      ...procedures('locations', contracts.locations, locations({ cursors })),
      ...procedures(
        'products',
        contracts.products,
        products({ cursors, images: withoutImages, importer: absent, follow: absent }),
      ),
      ...procedures(
        'orders',
        contracts.orders,
        orders({ cursors, importer: createOrderImport(async () => {}), exporter: absent, follow: absent }),
      ),
      ...procedures('audit', contracts.audit, audit({ cursors, sealer })),
    ];
  };
  const kernel = await startTestKernel({ databaseUrl, procedures: all });
  return {
    ...kernel,
    open: () => openOffice(kernel),
    async asSuperuser(statements) {
      await kernel.database.app.begin(async (transaction) => {
        await transaction.unsafe(`set local role none; ${statements}`).simple();
      });
    },
    async close() {
      await stop();
      await kernel.close();
    },
  };
}

async function openOffice(kernel: TestKernel): Promise<Office> {
  const session = await kernel.register();
  const token = session.accessToken;
  const { tenant } = await kernel.call<{ tenant: { id: string } }>('auth.me', undefined, { token });
  const call: Office['call'] = (path, input, key) =>
    kernel.call(path, input, { token, ...(key === undefined ? {} : { key }) });
  return {
    tenantId: tenant.id,
    session,
    token,
    call,
    refusal: (path, input) => kernel.refusal(path, input, { token }),
    async colleague(role) {
      const email = `${randomUUID()}@shop.test`;
      await call<User>('users.create', { email, name: 'Cole', role, password });
      return kernel.call<Session>('auth.login', { email, password });
    },
    async entries(filters = {}) {
      const page = await call<{ items: AuditEntry[] }>('audit.list', { limit: 100, sort: 'sequence', ...filters });
      return page.items;
    },
    async head() {
      return call<AuditHead>('audit.head');
    },
    verify: (range = {}) => call<AuditVerification>('audit.verify', range),
  };
}
