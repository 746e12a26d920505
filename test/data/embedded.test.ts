import { proveFullFile } from './full-file.ts';

proveFullFile('embedded', null);
