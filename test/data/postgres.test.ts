import { postgresServer } from './folder.ts';
import { proveFullFile } from './full-file.ts';

const server = postgresServer();
proveFullFile('PostgreSQL', server, server !== null);
