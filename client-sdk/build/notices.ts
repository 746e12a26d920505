import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { bundled } from './bundled.ts';

const installed = fileURLToPath(new URL('../node_modules/', import.meta.url));

const superjson = realpathSync(join(installed, 'superjson'));

/** Where a package lies: among ours, or beside the one that depends on it. */
const folderOf = (name: string): string =>
  [join(installed, name), join(superjson, '..', name)].find(existsSync) ?? fail(`${name} is not installed`);
const fail = (message: string): never => {
  throw new Error(message);
};

const notices = bundled.map((name) => {
  const folder = folderOf(name);
  const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const text = readFileSync(join(folder, licence ?? fail(`${name} has no licence`)), 'utf8');
  return `${name}\n\n${text.trim()}\n`;
});
const text = `This package contains the code of these others, under their own licences.\n\n${notices.join('\n---\n\n')}`;
writeFileSync(new URL('../dist/THIRD-PARTY-LICENSES.txt', import.meta.url), text);
