import type { ServerResponse } from 'node:http';

/**
 * Writes at the reader's pace. Resolves to false once the reader has left; one that takes
 * nothing for `stallMs` is made to.
 */
export function writeAtPace(response: ServerResponse, chunk: string, stallMs: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  if (response.write(chunk)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (taken: boolean) => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(taken);
    };
    const onDrain = () => settle(true);
    const onClose = () => settle(false);
    const timer = setTimeout(() => {
      response.destroy();
      settle(false);
    }, stallMs);
    response.on('drain', onDrain).on('close', onClose);
  });
}
