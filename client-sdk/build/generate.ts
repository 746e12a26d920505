import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { contractTypes } from './contract-types.ts';

// The source as it is published: with the contracts' types written out in the place of those inferred.
const staged = new URL('../generated/', import.meta.url);
rmSync(staged, { recursive: true, force: true });
cpSync(new URL('../src/', import.meta.url), staged, { recursive: true, filter: (name) => !name.includes('.test.') });
writeFileSync(new URL('contracts.ts', staged), contractTypes());
