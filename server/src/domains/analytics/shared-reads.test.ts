import { expect, it, vi } from 'vitest';
import { shareReads } from './shared-reads.ts';

function reads() {
  const open: ((value: string) => void)[] = [];
  const read = vi.fn(() => new Promise<string>((resolve) => open.push(resolve)));
  return { read, open };
}
const soon = () => new Promise((resolve) => setImmediate(resolve));

it('shares the next read among all who ask while one runs', async () => {
  const share = shareReads<string>();
  const { read, open } = reads();
  const first = share('a', read);
  await soon();
  const others = [share('a', read), share('a', read), share('a', read)];
  await soon();
  expect(read).toHaveBeenCalledTimes(1);
  open[0]?.('old');
  expect(await first).toBe('old');
  await soon();
  expect(read).toHaveBeenCalledTimes(2);
  open[1]?.('new');
  expect(await Promise.all(others)).toEqual(['new', 'new', 'new']);
});

it('keeps keys apart, and goes on after a failure', async () => {
  const share = shareReads<string>();
  const { read, open } = reads();
  const other = share('b', read);
  await soon();
  await expect(share('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  expect(await share('a', () => Promise.resolve('up'))).toBe('up');
  open[0]?.('b');
  expect(await other).toBe('b');
});
