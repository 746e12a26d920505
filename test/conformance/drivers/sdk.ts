import { createOlympus } from '@olympus/client';
import { contracts, contractsOf } from '@olympus/contracts';
import type { Driver } from '../scenario.ts';

const kinds = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract.kind]));
void createOlympus;
void kinds;
export const sdk = (url: string): Driver => ({
  name: 'SDK',
  call: () => Promise.reject(new Error(url)),
  close: () => Promise.resolve(),
});
