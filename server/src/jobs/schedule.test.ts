import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { repeat } from './schedule.ts';

const log = () => ({ error: vi.fn() });

it('runs a job again and again, never beside itself', async () => {
  let at = 0;
  let most = 0;
  const run = vi.fn(async () => {
    most = Math.max(most, ++at);
    await sleep(15);
    at--;
    return false;
  });
  const job = repeat({ name: 'slow', everyMs: 2, run }, log());
  await vi.waitFor(() => expect(run.mock.calls.length).toBeGreaterThan(4));
  await job.stop();
  expect(most).toBe(1);
});

it('runs again soon while there is more to do', async () => {
  let left = 5;
  const run = vi.fn(async () => --left > 0);
  const job = repeat({ name: 'busy', everyMs: 400, run }, log());
  await vi.waitFor(() => expect(left).toBe(0), { timeout: 1500 });
  await sleep(100);
  await job.stop();
  expect(run).toHaveBeenCalledTimes(5);
});

it('logs what fails and tries it again', async () => {
  const { error } = log();
  const cause = new Error('no database');
  const run = vi.fn(() => (run.mock.calls.length < 3 ? Promise.reject(cause) : Promise.resolve(false)));
  const job = repeat({ name: 'shaky', everyMs: 2, run }, { error });
  await vi.waitFor(() => expect(run.mock.calls.length).toBeGreaterThan(4));
  await job.stop();
  const told = [{ job: 'shaky', err: cause }, expect.stringContaining('failed')];
  expect(error.mock.calls).toEqual([told, told]);
});

it('waits for what runs when it is stopped, and starts nothing further', async () => {
  let ended = 0;
  const run = vi.fn(async () => {
    await sleep(40);
    ended++;
    return false;
  });
  const job = repeat({ name: 'slow', everyMs: 1, run }, log());
  await vi.waitFor(() => expect(run).toHaveBeenCalled());
  await job.stop();
  const { length } = run.mock.calls;
  expect(ended).toBe(length);
  await sleep(60);
  expect(run).toHaveBeenCalledTimes(length);
  const idle = repeat({ name: 'rare', everyMs: 600_000, run }, log());
  await idle.stop();
  expect(run).toHaveBeenCalledTimes(length);
});
