#!/usr/bin/env node
import { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { openDatabase } from '@olympus/database';
import { startApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { renderOpenApi } from '../transports/openapi.ts';
import { accessCommand } from './access.ts';
import { adminCommand } from './admin.ts';
import { auditCommands } from './audit.ts';
import { eventsCommands } from './events.ts';
import { importCommand } from './import.ts';
import { keysCommand } from './keys.ts';
import { welcome } from './welcome.ts';

const program = new Command('olympus')
  .description('A type-safe backend-for-frontend: one contract, every protocol.')
  .showHelpAfterError();

program
  .command('start')
  .description('serve every protocol on one port')
  .action(async () => {
    const config = readConfig(process.env);
    // The embedded database takes most of a process's memory, so less of it is left to garbage.
    if (!config.database.url) setFlagsFromString('--heap-growing-percent=20');
    const app = await startApp(config);
    app.heedSignals();
    process.stderr.write(welcome(app.url, app.demo));
  });

program
  .command('migrate')
  .description('bring the database to this version, and stop')
  .action(async () => {
    const { database } = readConfig(process.env);
    const opened = await openDatabase({ ...database, migrate: true });
    await opened.close();
  });

program
  .command('openapi')
  .description('write the OpenAPI 3.1 document of the contracts')
  .argument('[file]', 'where to', 'openapi.json')
  .action(async (file: string) => {
    await writeFile(resolve(file), renderOpenApi('3.1.0'));
  });

accessCommand(program, {
  open: () => openDatabase({ ...readConfig(process.env).database, migrate: false }),
  requireVerifiedEmail: () => readConfig(process.env).auth.requireVerifiedEmail,
});
adminCommand(program, {
  open: () => openDatabase({ ...readConfig(process.env).database, migrate: true }),
  password: () => readConfig(process.env).adminPassword,
  passwordKib: () => readConfig(process.env).auth.passwordKib,
});
importCommand(program);
auditCommands(program);
eventsCommands(program);
keysCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ||= 1;
}
