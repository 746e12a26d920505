import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

const url = 'https://partner.example/olympus';
const asked = { url, types: ['order.created', 'order.updated'] };

export const webhooks: readonly Scenario[] = [
  {
    name: 'webhooks: an endpoint is made, changed and removed, and shows its secret where it is new',
    steps: [
      {
        call: 'webhooks.create',
        input: asked,
        save: 'made',
        value: { webhook: { ...asked, active: true, disabledReason: null, version: 1 } },
      },
      { call: 'webhooks.get', input: { id: '$made.webhook.id' }, value: { url, rotatedUntil: null } },
      { call: 'webhooks.list', value: { items: [{ id: '$made.webhook.id' }] } },
      {
        call: 'webhooks.update',
        input: { id: '$made.webhook.id', types: ['product.created'], expectedVersion: 1 },
        value: { types: ['product.created'], version: 2 },
      },
      {
        call: 'webhooks.update',
        input: { id: '$made.webhook.id', active: false, expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 2 },
      },
      {
        call: 'webhooks.rotateSecret',
        input: { id: '$made.webhook.id' },
        value: { webhook: { version: 3, rotatedUntil: '$date' } },
      },
      { call: 'webhooks.delete', input: { id: '$made.webhook.id' } },
      { call: 'webhooks.get', input: { id: '$made.webhook.id' }, fails: 'WEBHOOK_NOT_FOUND' },
    ],
  },
  {
    name: 'webhooks: a test event is on its way, and can be sent again while the endpoint is on',
    steps: [
      { call: 'webhooks.create', input: asked, save: 'made' },
      {
        call: 'webhooks.test',
        input: { id: '$made.webhook.id' },
        save: 'test',
        value: { type: 'test', state: 'pending', attempts: [] },
      },
      {
        call: 'webhooks.deliveries',
        input: { webhookId: '$made.webhook.id' },
        value: { items: [{ id: '$test.id', messageId: '$test.messageId' }] },
      },
      { call: 'webhooks.resend', input: { id: '$test.id' }, value: { id: '$test.id', state: 'pending' } },
      { call: 'webhooks.update', input: { id: '$made.webhook.id', active: false } },
      { call: 'webhooks.test', input: { id: '$made.webhook.id' }, fails: 'WEBHOOK_INACTIVE' },
      { call: 'webhooks.resend', input: { id: '$test.id' }, fails: 'WEBHOOK_INACTIVE' },
      { call: 'webhooks.get', as: 'stranger', input: { id: '$made.webhook.id' }, fails: 'WEBHOOK_NOT_FOUND' },
      { call: 'webhooks.resend', as: 'stranger', input: { id: '$test.id' }, fails: 'WEBHOOK_DELIVERY_NOT_FOUND' },
    ],
  },
  {
    name: 'webhooks: private addresses, and those who may not, are refused',
    steps: [
      { call: 'webhooks.create', input: { ...asked, url: 'http://169.254.169.254/' }, fails: 'INVALID_INPUT' },
      { call: 'webhooks.create', input: { ...asked, url: 'http://2130706433/' }, fails: 'INVALID_INPUT' },
      { call: 'webhooks.create', input: { ...asked, types: ['order.lost'] }, fails: 'INVALID_INPUT' },
      { call: 'webhooks.list', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'webhooks:manage' } },
      { call: 'webhooks.test', input: { id: missing }, fails: 'WEBHOOK_NOT_FOUND', data: { id: missing } },
    ],
  },
];
