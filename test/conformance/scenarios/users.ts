import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

export const users: readonly Scenario[] = [
  {
    name: 'users: create, get, list',
    steps: [
      {
        call: 'users.create',
        input: { email: '$freshEmail', name: 'Ada', role: 'manager', password: 'long enough secret' },
        save: 'ada',
        value: { role: 'manager', active: true, version: 1, createdAt: '$date' },
      },
      { call: 'users.get', input: { id: '$ada.id' }, value: { name: 'Ada' } },
      {
        call: 'users.list',
        input: { role: 'manager' },
        value: { items: [{ name: 'Ada' }], nextCursor: null, previousCursor: null, totalCount: null },
      },
    ],
  },
  {
    name: 'users: a taken address',
    steps: [
      {
        call: 'users.create',
        input: { email: '$ownerEmail', name: 'Ada', role: 'staff', password: 'long enough secret' },
        fails: 'EMAIL_TAKEN',
        data: { email: '$any' },
      },
    ],
  },
  {
    name: 'users: a missing one',
    steps: [{ call: 'users.get', input: { id: missing }, fails: 'USER_NOT_FOUND', data: { id: missing } }],
  },
  {
    name: 'users: staff may not list them',
    steps: [{ call: 'users.list', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'users:read' } }],
  },
  {
    name: 'users: a second factor is reset, and staff reset none',
    steps: [
      { call: 'users.resetSecondFactor', input: { id: '$staffId' }, value: null },
      { call: 'users.resetSecondFactor', as: 'staff', input: { id: '$ownerId' }, fails: 'FORBIDDEN' },
      { call: 'users.resetSecondFactor', input: { id: missing }, fails: 'USER_NOT_FOUND', data: { id: missing } },
    ],
  },
  {
    name: 'users: the last owner stays',
    steps: [{ call: 'users.deactivate', input: { id: '$ownerId' }, fails: 'LAST_OWNER', data: null }],
  },
  {
    name: 'users: update changes what is named',
    steps: [
      {
        call: 'users.update',
        input: { id: '$staffId', name: 'New name' },
        value: { name: 'New name', role: 'staff', version: 2 },
      },
    ],
  },
  {
    name: 'users: a role above the own one cannot be given',
    steps: [
      {
        call: 'users.create',
        input: { email: '$freshEmail', name: 'Bea', role: 'admin', password: 'long enough secret' },
        save: 'bea',
      },
      {
        call: 'users.replace',
        input: { id: '$bea.id', email: '$freshEmail', name: 'Bea', role: 'viewer', active: false },
        value: { role: 'viewer', active: false, version: 2 },
      },
    ],
  },
  {
    name: 'users: deactivate',
    steps: [
      { call: 'users.deactivate', input: { id: '$staffId' }, value: null },
      { call: 'users.get', input: { id: '$staffId' }, value: { active: false } },
    ],
  },
];
