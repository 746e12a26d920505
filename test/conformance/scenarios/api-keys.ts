import type { Scenario, Step } from '../scenario.ts';
import { missing } from './steps.ts';

const make: Step = {
  call: 'apiKeys.create',
  input: { name: 'Till', scopes: ['orders:read', 'locations:read'] },
  save: 'key',
  value: { apiKey: { name: 'Till', scopes: ['orders:read', 'locations:read'], version: 1 }, secret: '$any' },
};

export const apiKeys: readonly Scenario[] = [
  {
    name: 'API keys: a key calls with its scopes, and no further',
    steps: [
      make,
      { call: 'orders.list', bearer: '$key.secret', value: { items: [] } },
      {
        call: 'auth.me',
        bearer: '$key.secret',
        value: {
          user: { id: '$ownerId' },
          permissions: ['identity:read', 'orders:read', 'locations:read'],
          apiKey: { id: '$key.apiKey.id', name: 'Till' },
        },
      },
      { call: 'customers.list', bearer: '$key.secret', fails: 'FORBIDDEN', data: { permission: 'customers:read' } },
      { call: 'auth.logout', input: {}, bearer: '$key.secret', fails: 'FORBIDDEN', data: { permission: 'self:write' } },
      { call: 'apiKeys.list', bearer: '$key.secret', fails: 'FORBIDDEN', data: { permission: 'apiKeys:manage' } },
      { call: 'auth.validate', input: { token: '$key.secret' }, value: { valid: true, userId: '$ownerId' } },
    ],
  },
  {
    name: 'API keys: list, get, update',
    steps: [
      make,
      {
        call: 'apiKeys.get',
        input: { id: '$key.apiKey.id' },
        value: { prefix: '$key.apiKey.prefix', revokedAt: null },
      },
      {
        call: 'apiKeys.update',
        input: { id: '$key.apiKey.id', name: 'Kiosk', callsPerSecond: 20 },
        value: { name: 'Kiosk', callsPerSecond: 20, version: 2 },
      },
      {
        call: 'apiKeys.update',
        input: { id: '$key.apiKey.id', name: 'Stand', expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
      },
      { call: 'apiKeys.list', input: { revoked: false }, value: { items: [{ name: 'Kiosk' }] } },
    ],
  },
  {
    name: 'API keys: rotation goes over without a gap',
    steps: [
      make,
      { call: 'apiKeys.rotate', input: { id: '$key.apiKey.id' }, save: 'next', value: { apiKey: { version: 2 } } },
      { call: 'orders.list', bearer: '$key.secret', value: { items: [] } },
      { call: 'orders.list', bearer: '$next.secret', value: { items: [] } },
    ],
  },
  {
    name: 'API keys: a revoked one has ended',
    steps: [
      make,
      { call: 'apiKeys.revoke', input: { id: '$key.apiKey.id' }, value: null },
      { call: 'apiKeys.get', input: { id: '$key.apiKey.id' }, value: { revokedAt: '$date' } },
      { call: 'apiKeys.rotate', input: { id: '$key.apiKey.id' }, fails: 'API_KEY_ENDED' },
      { call: 'apiKeys.update', input: { id: '$key.apiKey.id', name: 'X' }, fails: 'API_KEY_ENDED' },
    ],
  },
  {
    name: 'API keys: a missing one, and another tenant’s',
    steps: [
      make,
      { call: 'apiKeys.get', input: { id: missing }, fails: 'API_KEY_NOT_FOUND', data: { id: missing } },
      { call: 'apiKeys.revoke', input: { id: '$key.apiKey.id' }, as: 'stranger', fails: 'API_KEY_NOT_FOUND' },
      { call: 'apiKeys.create', input: { name: 'X', scopes: ['users:write'] }, fails: 'INVALID_INPUT' },
      { call: 'apiKeys.list', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'apiKeys:manage' } },
    ],
  },
];
