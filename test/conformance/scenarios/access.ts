import type { Scenario, Step } from '../scenario.ts';
import { missing, mug } from './steps.ts';

const at = (name: string, save: string): Step => ({ call: 'locations.create', input: { name }, save });
const kept: readonly Step[] = [
  at('Soho', 'soho'),
  at('Kew', 'kew'),
  {
    call: 'users.create',
    input: {
      email: '$freshEmail',
      name: 'Sam',
      role: 'staff',
      password: 'long enough secret',
      locationIds: ['$soho.id'],
    },
    save: 'sam',
    value: { locationIds: ['$soho.id'] },
  },
  { call: 'auth.login', as: 'nobody', input: { email: '$sam.email', password: 'long enough secret' }, save: 'session' },
];
const bearer = '$session.accessToken';

export const access: readonly Scenario[] = [
  {
    name: 'locations: who is kept to some sees and places orders there alone',
    steps: [
      mug,
      ...kept,
      {
        call: 'orders.create',
        input: { items: [{ productId: '$mug.id', quantity: 1 }], locationId: '$kew.id' },
        save: 'there',
      },
      {
        call: 'orders.create',
        bearer,
        input: { items: [{ productId: '$mug.id', quantity: 1 }] },
        save: 'here',
        value: { locationId: '$soho.id', createdBy: '$sam.id' },
      },
      {
        call: 'orders.create',
        bearer,
        input: { items: [{ productId: '$mug.id', quantity: 1 }], locationId: '$kew.id' },
        fails: 'LOCATION_REFUSED',
        data: { locationId: '$kew.id', allowed: ['$soho.id'] },
      },
      {
        call: 'orders.list',
        bearer,
        input: { withTotal: true },
        value: { items: [{ id: '$here.id' }], totalCount: 1 },
      },
      { call: 'orders.get', bearer, input: { id: '$there.id' }, fails: 'ORDER_NOT_FOUND' },
      { call: 'orders.cancel', bearer, input: { id: '$there.id' }, fails: 'ORDER_NOT_FOUND' },
      { call: 'analytics.summary', bearer, input: {}, fails: 'FORBIDDEN', data: { permission: 'analytics:read' } },
    ],
  },
  {
    name: 'locations: only those that there are',
    steps: [
      { call: 'users.update', input: { id: '$staffId', locationIds: [missing] }, fails: 'LOCATION_NOT_FOUND' },
      at('Soho', 'soho'),
      {
        call: 'users.update',
        input: { id: '$staffId', locationIds: ['$soho.id'] },
        value: { locationIds: ['$soho.id'], version: 2 },
      },
    ],
  },
  {
    name: 'users: their name is their own, their role is not',
    steps: [
      {
        call: 'users.update',
        as: 'viewer',
        input: { id: '$viewerId', name: 'My name' },
        value: { name: 'My name', role: 'viewer' },
      },
      {
        call: 'users.update',
        as: 'viewer',
        input: { id: '$viewerId', role: 'owner' },
        fails: 'FORBIDDEN',
        data: { permission: 'users:write' },
      },
      {
        call: 'users.update',
        as: 'viewer',
        input: { id: '$staffId', name: 'X' },
        fails: 'FORBIDDEN',
        data: { permission: 'users:write' },
      },
      { call: 'users.update', as: 'viewer', input: { id: '$viewerId', locationIds: [] }, fails: 'FORBIDDEN' },
    ],
  },
];
