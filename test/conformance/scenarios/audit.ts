import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

const renamed = {
  outcome: 'success',
  procedure: 'customers.update',
  resourceType: 'customer',
  resourceId: '$ada.id',
  userId: '$ownerId',
  count: 1,
  before: { name: 'Ada' },
  after: { name: 'Ada L.' },
  createdAt: '$date',
};

export const audit: readonly Scenario[] = [
  {
    name: 'audit: a change has its entry, and the chain holds',
    steps: [
      { call: 'customers.create', input: { name: 'Ada' }, save: 'ada' },
      { call: 'customers.update', input: { id: '$ada.id', name: 'Ada L.' } },
      {
        call: 'audit.list',
        input: { resourceId: '$ada.id', limit: 1, withTotal: true },
        value: { items: [renamed], totalCount: 2, previousCursor: null },
        save: 'log',
      },
      { call: 'audit.get', input: { id: '$log.items.0.id' }, value: renamed },
      { call: 'audit.head', value: { sequence: 3, startSequence: 0 } },
      {
        call: 'audit.verify',
        input: { fromSequence: 2 },
        value: { valid: true, checked: 2, fromSequence: 2, toSequence: 3, brokenAt: null, reason: null },
      },
    ],
  },
  {
    name: 'audit: a denial has its entry too',
    steps: [
      { call: 'audit.list', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'audit:read' } },
      {
        call: 'audit.list',
        input: { outcome: 'denied' },
        value: { items: [{ procedure: 'audit.list', code: 'FORBIDDEN', userId: '$staffId', count: 1 }] },
      },
    ],
  },
  {
    name: 'audit: a missing entry, and another tenant’s',
    steps: [
      { call: 'audit.get', input: { id: missing }, fails: 'AUDIT_ENTRY_NOT_FOUND', data: { id: missing } },
      { call: 'customers.create', input: { name: 'Ada' } },
      { call: 'audit.list', save: 'log' },
      { call: 'audit.get', as: 'stranger', input: { id: '$log.items.0.id' }, fails: 'AUDIT_ENTRY_NOT_FOUND' },
    ],
  },
];
