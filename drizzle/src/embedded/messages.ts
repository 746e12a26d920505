import type { MessagePort } from 'node:worker_threads';

export interface WorkerSettings {
  /** Folder of the data itself. */
  folder: string;
  /** File that keeps a freshly initialised database for the next folder; undefined where none may be written. */
  imageCache: string | undefined;
  sharedBuffers: string;
  pulse: SharedArrayBuffer;
}

export type ToWorker = { type: 'connect'; port: MessagePort } | { type: 'close' };

export type FromWorker = { type: 'ready' } | { type: 'failed'; message: string };
