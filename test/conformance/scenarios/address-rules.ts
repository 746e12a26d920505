import type { Scenario } from '../scenario.ts';

export const addressRules: readonly Scenario[] = [
  {
    name: 'address rules: none at first, then those that were set, in one form',
    steps: [
      { call: 'addressRules.get', value: { allow: [], block: [], version: 1, updatedAt: null } },
      {
        call: 'addressRules.replace',
        input: { allow: ['127.0.0.0/8', '127.9.9.9/8'], block: ['2001:DB8:0:0::1/32', '203.0.113.9'] },
        value: { allow: ['127.0.0.0/8'], block: ['2001:db8::/32', '203.0.113.9'], version: 2, updatedAt: '$date' },
      },
      { call: 'addressRules.get', value: { allow: ['127.0.0.0/8'], version: 2 } },
      {
        call: 'addressRules.replace',
        input: { expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 2 },
      },
      { call: 'addressRules.replace', input: { expectedVersion: 2 }, value: { allow: [], block: [], version: 3 } },
    ],
  },
  {
    name: 'address rules: nobody locks themselves out by mistake',
    steps: [
      {
        call: 'addressRules.replace',
        input: { block: ['127.0.0.0/8'] },
        fails: 'ADDRESS_LOCKED_OUT',
        data: { address: '127.0.0.1' },
      },
      {
        call: 'addressRules.replace',
        input: { allow: ['10.0.0.0/8'] },
        fails: 'ADDRESS_LOCKED_OUT',
        data: { address: '127.0.0.1' },
      },
      { call: 'addressRules.get', value: { version: 1 } },
      {
        call: 'addressRules.replace',
        input: { block: ['127.0.0.0/8'], force: true },
        value: { block: ['127.0.0.0/8'] },
      },
    ],
  },
  {
    name: 'address rules: only blocks are taken, and only from an owner',
    steps: [
      { call: 'addressRules.replace', input: { allow: ['10.0.0.0/33'] }, fails: 'INVALID_INPUT' },
      { call: 'addressRules.replace', input: { block: ['10.1'] }, fails: 'INVALID_INPUT' },
      {
        call: 'addressRules.replace',
        as: 'staff',
        input: {},
        fails: 'FORBIDDEN',
        data: { permission: 'tenant:manage' },
      },
      { call: 'addressRules.get', as: 'viewer', fails: 'FORBIDDEN', data: { permission: 'tenant:manage' } },
    ],
  },
];
