import type { Scenario } from '../scenario.ts';
import { missing } from './steps.ts';

export const customers: readonly Scenario[] = [
  {
    name: 'customers: create, update, replace, list',
    steps: [
      {
        call: 'customers.create',
        input: { name: 'Zoë', code: '12347', country: 'Iceland' },
        save: 'zoe',
        value: { email: null, phone: null, country: 'Iceland' },
      },
      {
        call: 'customers.update',
        input: { id: '$zoe.id', country: null, phone: '+354 1' },
        value: { country: null, phone: '+354 1', name: 'Zoë', version: 2 },
      },
      {
        call: 'customers.replace',
        input: { id: '$zoe.id', name: 'Zoë B.' },
        value: { code: null, phone: null, version: 3 },
      },
      { call: 'customers.get', input: { id: '$zoe.id' }, value: { name: 'Zoë B.' } },
      { call: 'customers.list', input: { q: 'zoë', withTotal: true }, value: { totalCount: 1 } },
    ],
  },
  {
    name: 'customers: a taken code',
    steps: [
      { call: 'customers.create', input: { name: 'A', code: '1' } },
      { call: 'customers.create', input: { name: 'B', code: '1' }, fails: 'CUSTOMER_CODE_TAKEN', data: { code: '1' } },
    ],
  },
  {
    name: 'customers: a missing one',
    steps: [
      {
        call: 'customers.update',
        input: { id: missing, name: 'x' },
        fails: 'CUSTOMER_NOT_FOUND',
        data: { id: missing },
      },
    ],
  },
  {
    name: 'locations: create, update, list',
    steps: [
      { call: 'locations.create', input: { name: 'Harbour' }, save: 'harbour', value: { address: null, active: true } },
      { call: 'locations.update', input: { id: '$harbour.id', active: false }, value: { active: false, version: 2 } },
      {
        call: 'locations.replace',
        input: { id: '$harbour.id', name: 'Harbour', address: 'Quay 1', active: false },
        value: { address: 'Quay 1', version: 3 },
      },
      { call: 'locations.list', input: { active: false }, value: { items: [{ name: 'Harbour' }] } },
    ],
  },
  {
    name: 'locations: a taken name',
    steps: [
      { call: 'locations.create', input: { name: 'Harbour' } },
      { call: 'locations.create', input: { name: 'Harbour' }, fails: 'LOCATION_NAME_TAKEN', data: { name: 'Harbour' } },
    ],
  },
  {
    name: 'locations: a missing one',
    steps: [{ call: 'locations.get', input: { id: missing }, fails: 'LOCATION_NOT_FOUND' }],
  },
];
