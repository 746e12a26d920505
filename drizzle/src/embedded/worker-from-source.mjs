// A worker does not inherit the TypeScript loader, whoever started the process. A build runs worker.js directly.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
