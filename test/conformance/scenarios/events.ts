import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

export const events: readonly Scenario[] = [
  {
    name: 'dead letters: none at first, and those that are missing are named',
    steps: [
      { call: 'events.deadLetters.list', input: { withTotal: true }, value: { items: [], totalCount: 0 } },
      {
        call: 'events.deadLetters.get',
        input: { id: missing },
        fails: 'DEAD_LETTER_NOT_FOUND',
        data: { id: missing },
      },
      { call: 'events.deadLetters.discard', input: { id: missing }, fails: 'DEAD_LETTER_NOT_FOUND' },
      {
        call: 'events.deadLetters.update',
        input: { id: missing, payload: { type: 'order.created' } },
        fails: 'DEAD_LETTER_NOT_FOUND',
      },
      { call: 'events.deadLetters.redrive', input: {}, value: { dryRun: true, count: 0, deadLetters: [] } },
      {
        call: 'events.deadLetters.redrive',
        input: { ids: [missing], dryRun: false },
        fails: 'DEAD_LETTER_NOT_FOUND',
        data: { id: missing },
      },
    ],
  },
  {
    name: 'dead letters: filters are checked, and only admins see them',
    steps: [
      { call: 'events.deadLetters.list', input: { state: 'lost' }, fails: 'INVALID_INPUT' },
      { call: 'events.deadLetters.list', input: { type: 'order.lost' }, fails: 'INVALID_INPUT' },
      {
        call: 'events.deadLetters.list',
        as: 'staff',
        fails: 'FORBIDDEN',
        data: { permission: 'events:manage' },
      },
    ],
  },
  {
    name: 'consumers: for admins alone',
    steps: [{ call: 'events.consumers', as: 'staff', fails: 'FORBIDDEN', data: { permission: 'events:manage' } }],
  },
  {
    name: 'replay: to a consumer that there is',
    steps: [
      {
        call: 'events.replay',
        input: { consumer: 'nobody' },
        fails: 'CONSUMER_NOT_FOUND',
        data: { id: 'nobody' },
      },
      { call: 'events.replay', input: { consumer: 'Not a name' }, fails: 'INVALID_INPUT' },
      { call: 'events.replay', as: 'staff', input: { consumer: 'nobody' }, fails: 'FORBIDDEN' },
    ],
  },
];
