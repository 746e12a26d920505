import type { Scenario, Step } from '../scenario.ts';
import { missing } from './steps.ts';

const as = 'superAdmin' as const;
const open: Step = {
  call: 'tenants.create',
  as,
  input: { tenant: 'Tea House', name: 'Tia', email: '$freshEmail', password: 'long enough secret', currency: 'GBP' },
  save: 'tenant',
  value: { name: 'Tea House', currency: 'GBP', users: 1, suspendedAt: null },
};

export const tenants: readonly Scenario[] = [
  {
    name: 'tenants: the platform opens, lists and gets them',
    steps: [
      open,
      { call: 'tenants.get', as, input: { id: '$tenant.id' }, value: { name: 'Tea House' } },
      { call: 'tenants.list', as, input: { limit: 1 }, value: { items: [{ id: '$tenant.id' }] } },
      { call: 'tenants.get', as, input: { id: missing }, fails: 'TENANT_NOT_FOUND', data: { id: missing } },
    ],
  },
  {
    name: 'tenants: the platform’s users have no permission over a tenant’s data, and tenants’ users none over tenants',
    steps: [
      { call: 'orders.list', as, fails: 'FORBIDDEN', data: { permission: 'orders:read' } },
      { call: 'users.list', as, fails: 'FORBIDDEN', data: { permission: 'users:read' } },
      {
        call: 'auth.me',
        as,
        value: {
          user: { role: 'super_admin' },
          permissions: ['self:read', 'self:write', 'identity:read', 'platform:tenants'],
        },
      },
      { call: 'tenants.list', fails: 'FORBIDDEN', data: { permission: 'platform:tenants' } },
      {
        call: 'users.create',
        input: { email: '$freshEmail', name: 'X', role: 'super_admin', password: 'long enough secret' },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'tenants: acting in one',
    steps: [
      { call: 'auth.me', save: 'me' },
      {
        call: 'tenants.actAs',
        as,
        input: { tenantId: '$me.tenant.id', role: 'manager', reason: 'Ticket 1', minutes: 5 },
        save: 'acting',
        value: { expiresIn: 300, role: 'manager', tenantId: '$me.tenant.id' },
      },
      { call: 'locations.create', bearer: '$acting.accessToken', input: { name: 'Soho' }, value: { name: 'Soho' } },
      {
        call: 'auth.me',
        bearer: '$acting.accessToken',
        value: {
          user: { id: '$superAdminId', role: 'manager' },
          tenant: { id: '$me.tenant.id' },
          actor: { userId: '$superAdminId', reason: 'Ticket 1' },
        },
      },
      { call: 'tenants.list', bearer: '$acting.accessToken', fails: 'FORBIDDEN' },
      { call: 'auth.logout', input: {}, bearer: '$acting.accessToken', fails: 'FORBIDDEN' },
      {
        call: 'tenants.actAs',
        as,
        input: { tenantId: '$me.tenant.id', role: 'owner', reason: 'x', minutes: 61 },
        fails: 'INVALID_INPUT',
      },
      {
        call: 'tenants.actAs',
        as,
        input: { tenantId: missing, role: 'owner', reason: 'x' },
        fails: 'TENANT_NOT_FOUND',
      },
    ],
  },
  {
    name: 'tenants: suspended, and resumed',
    steps: [
      { call: 'auth.me', save: 'me' },
      {
        call: 'tenants.suspend',
        as,
        input: { id: '$me.tenant.id', reason: 'Unpaid' },
        value: { suspendedAt: '$date', suspendedFor: 'Unpaid' },
      },
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: '$password' },
        fails: 'TENANT_SUSPENDED',
      },
      {
        call: 'tenants.actAs',
        as,
        input: { tenantId: '$me.tenant.id', role: 'viewer', reason: 'x' },
        fails: 'TENANT_SUSPENDED',
      },
      {
        call: 'tenants.resume',
        as,
        input: { id: '$me.tenant.id' },
        value: { suspendedAt: null, suspendedFor: null },
      },
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: '$password' },
        value: { expiresIn: 900 },
      },
    ],
  },
];
