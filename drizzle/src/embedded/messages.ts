import type { MessagePort } from 'node:worker_threads';

/** `create` fills `folder` with a new database and ends; `serve` answers connections until it is told to close. */
export type WorkerSettings =
  | { task: 'create'; folder: string }
  | { task: 'serve'; folder: string; pulse: SharedArrayBuffer };

export type ToWorker = { type: 'connect'; port: MessagePort; credit: SharedArrayBuffer } | { type: 'close' };

export type FromWorker = { type: 'ready' } | { type: 'failed'; message: string };
