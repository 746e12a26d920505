import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLifecycle } from './lifecycle.ts';

const log = pino({ level: 'silent' });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a lifecycle', () => {
  it('stops what was opened last first, once, each part after the other', async () => {
    const lifecycle = createLifecycle({ drainSeconds: 5, log });
    const steps: string[] = [];
    for (const name of ['database', 'events', 'http'])
      lifecycle.onStop(name, async () => {
        steps.push(`${name} begins`, lifecycle.state);
        await pause(5);
        steps.push(`${name} ends`);
      });
    expect(lifecycle.state).toBe('starting');
    lifecycle.ready();
    expect([lifecycle.state, lifecycle.draining.aborted]).toEqual(['ready', false]);
    const stopping = lifecycle.stop();
    expect([lifecycle.state, lifecycle.draining.aborted]).toEqual(['draining', true]);
    expect(await Promise.all([stopping, lifecycle.stop()])).toEqual([true, true]);
    expect(steps).toEqual(
      ['http', 'events', 'database'].flatMap((name) => [`${name} begins`, 'draining', `${name} ends`]),
    );
    expect(lifecycle.state).toBe('stopped');
    lifecycle.ready();
    expect(lifecycle.state).toBe('stopped');
  });

  it('stops the rest when a part fails, and is not clean then', async () => {
    const lifecycle = createLifecycle({ drainSeconds: 5, log });
    let closed = false;
    lifecycle.onStop('database', () => (closed = true));
    lifecycle.onStop('events', () => {
      throw new Error('no');
    });
    expect(await lifecycle.stop()).toBe(false);
    expect(closed).toBe(true);
  });

  it('does not wait for ever', async () => {
    const lifecycle = createLifecycle({ drainSeconds: 0.1, log });
    lifecycle.onStop('http', () => new Promise(() => {}));
    const begin = performance.now();
    expect(await lifecycle.stop()).toBe(false);
    expect(performance.now() - begin).toBeLessThan(1000);
  });
});

describe('a process told to stop', () => {
  /** Runs a process whose one part takes `ms` to stop, and says what it says when it is up. */
  async function start(drainSeconds: number, ms: number) {
    const source = `
      import { pino } from 'pino';
      import { createLifecycle } from '${new URL('lifecycle.ts', import.meta.url).href}';
      const lifecycle = createLifecycle({ drainSeconds: ${drainSeconds}, log: pino({ level: 'silent' }) });
      lifecycle.onStop('part', async () => {
        process.stdout.write('stopping ');
        await new Promise((resolve) => setTimeout(resolve, ${ms}));
        process.stdout.write('stopped');
      });
      lifecycle.stopOnSignals();
      setInterval(() => {}, 1000);
      process.stdout.write('up ');`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    });
    let said = '';
    child.stdout.on('data', (data) => (said += String(data)));
    await once(child.stdout, 'data');
    const ended = once(child, 'exit').then(([code]) => ({ code: code as number, said }));
    return { child, ended, saying: async (text: string) => expect.poll(() => said).toContain(text) };
  }

  it('stops and exits 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, ended } = await start(5, 50);
      child.kill(signal);
      expect(await ended).toEqual({ code: 0, said: 'up stopping stopped' });
    }
  });

  it('exits 1 when its time is up, or when it is told twice', async () => {
    const slow = await start(0.2, 60_000);
    slow.child.kill('SIGTERM');
    expect(await slow.ended).toEqual({ code: 1, said: 'up stopping ' });
    const twice = await start(60, 60_000);
    twice.child.kill('SIGTERM');
    await twice.saying('stopping');
    twice.child.kill('SIGINT');
    expect(await twice.ended).toEqual({ code: 1, said: 'up stopping ' });
  });
  it('ends when nobody reads its log any more', async () => {
    const source = `
      import { createLifecycle } from '${new URL('lifecycle.ts', import.meta.url).href}';
      import { createLogger } from '${new URL('logger.ts', import.meta.url).href}';
      const log = createLogger({ level: 'info' });
      const lifecycle = createLifecycle({ drainSeconds: 5, log });
      lifecycle.stopOnSignals();
      process.stdin.once('data', () => {
        log.info('nobody reads this');
        process.kill(process.pid, 'SIGTERM');
      });
      process.stderr.write('up');`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: import.meta.dirname,
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stderr, 'data');
    child.stdout.destroy();
    await once(child.stdout, 'close');
    child.stdin.write('go');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
