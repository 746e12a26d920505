import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

const said = { title: 'Closed on Monday', text: 'Orders go out on Tuesday.' };

export const notifications: readonly Scenario[] = [
  {
    name: 'notifications: there are none at first, and nobody reads those of others',
    steps: [
      { call: 'notifications.list', as: 'viewer', value: { items: [], nextCursor: null } },
      { call: 'notifications.list', input: { unread: true, kind: 'lowStock', limit: 5 }, value: { items: [] } },
      { call: 'notifications.unread', value: { unread: 0 } },
      { call: 'notifications.markAllRead' },
      { call: 'notifications.markAllRead', input: { readThrough: 3 } },
      { call: 'notifications.markAllRead', input: { readThrough: -1 }, fails: 'INVALID_INPUT' },
      {
        call: 'notifications.markRead',
        input: { ids: [missing] },
        fails: 'NOTIFICATION_NOT_FOUND',
        data: { id: missing },
      },
      { call: 'notifications.markRead', input: { ids: [] }, fails: 'INVALID_INPUT' },
      { call: 'notifications.list', as: 'nobody', fails: 'UNAUTHENTICATED' },
      { call: 'notifications.list', as: 'superAdmin', fails: 'FORBIDDEN', data: { permission: 'notifications:read' } },
    ],
  },
  {
    name: 'notifications: everybody chooses what they are told of',
    steps: [
      {
        call: 'notifications.preferences.get',
        as: 'viewer',
        value: { orderStatus: 'mine', lowStock: false, announcement: true },
      },
      { call: 'notifications.preferences.get', as: 'staff', value: { lowStock: true } },
      {
        call: 'notifications.preferences.update',
        as: 'viewer',
        input: { orderStatus: 'all' },
        value: { orderStatus: 'all', lowStock: false, announcement: true },
      },
      {
        call: 'notifications.preferences.update',
        as: 'viewer',
        input: { orderStatus: 'some' },
        fails: 'INVALID_INPUT',
      },
      { call: 'notifications.preferences.get', value: { orderStatus: 'mine' } },
    ],
  },
  {
    name: 'notifications: stock is low below what the tenant or the product says',
    steps: [
      { call: 'notifications.settings.get', as: 'viewer', value: { lowStockAt: null } },
      { call: 'notifications.settings.update', as: 'staff', input: { lowStockAt: 5 }, fails: 'FORBIDDEN' },
      { call: 'notifications.settings.update', input: { lowStockAt: 5 }, value: { lowStockAt: 5 } },
      { call: 'notifications.settings.get', as: 'viewer', value: { lowStockAt: 5 } },
      { call: 'notifications.settings.update', input: { lowStockAt: null }, value: { lowStockAt: null } },
      {
        call: 'products.create',
        input: { sku: 'A', name: 'Mug', price: { amount: '2.00', currency: 'GBP' }, stock: 9, lowStockAt: 3 },
        save: 'mug',
        value: { lowStockAt: 3 },
      },
      { call: 'products.update', input: { id: '$mug.id', lowStockAt: null }, value: { lowStockAt: null, stock: 9 } },
    ],
  },
  {
    name: 'notifications: admins announce, and the platform does',
    steps: [
      { call: 'notifications.announce', input: said, value: { ...said, createdAt: '$date' } },
      { call: 'notifications.announce', as: 'staff', input: said, fails: 'FORBIDDEN' },
      { call: 'auth.me', save: 'me' },
      { call: 'tenants.announce', as: 'superAdmin', input: { id: '$me.tenant.id', ...said }, value: said },
      { call: 'tenants.announce', input: { id: '$me.tenant.id', ...said }, fails: 'FORBIDDEN' },
      { call: 'tenants.announce', as: 'superAdmin', input: { id: missing, ...said }, fails: 'TENANT_NOT_FOUND' },
    ],
  },
];
