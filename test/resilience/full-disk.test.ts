import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { registerTenant, rest, type Session } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';
import { findProgram } from '../services.ts';

/** A disk of its own that is soon full; false where this user may not mount one. */
const folder = mkdtempSync(join(tmpdir(), 'olympus-disk-'));
const [mount, umount] = [findProgram('mount'), findProgram('umount')];
const isMounted = mount !== null && spawnSync(mount, ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', folder]).status === 0;
let served: Served | undefined;
afterAll(async () => {
  await served?.stop();
  if (isMounted && umount) spawnSync(umount, [folder]);
  rmSync(folder, { recursive: true, force: true });
});

const start = async () => (served = await olympus({ OLYMPUS_DATA_DIR: join(folder, 'data'), RATE_LIMITS: 'off' }));
const filler = join(folder, 'filler');
/** Writes until nothing more goes in. */
function fill(): void {
  const file = openSync(filler, 'w');
  const block = Buffer.alloc(64 * 1024, 1);
  try {
    for (;;) writeSync(file, block);
  } catch (cause) {
    expect((cause as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
  expect(statfsSync(folder).bfree).toBe(0);
}

describe.runIf(isMounted)('a disk that is full under the embedded database', () => {
  it('is told in time, loses nothing that was acknowledged, and is written again once there is room', async () => {
    const { url } = await start();
    const { accessToken, user } = await registerTenant(url);
    const make = (name: string) =>
      rest<{ id: string; code: string }>(url, {
        method: 'POST',
        path: '/customers',
        token: accessToken,
        body: { name },
      });
    const made = [(await make('Before')).body.id];
    fill();
    const refused: number[] = [];
    // What is there already has some room inside.
    for (let turn = 0; refused.length < 20 && turn < 5000; turn++) {
      const asked = performance.now();
      const { status, body, headers } = await make(`${'x'.repeat(150)}${turn}`);
      if (status === 201) made.push(body.id);
      else {
        expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'UNAVAILABLE', '1']);
        refused.push(performance.now() - asked);
      }
    }
    expect(refused.length).toBe(20);
    expect(refused.filter((ms) => ms > 500)).toEqual([]);
    expect((await rest(url, { path: `/customers/${made[0]}`, token: accessToken })).status).toBe(200);

    rmSync(filler);
    await expect.poll(async () => (await make('After')).status, { timeout: 5000 }).toBe(201);
    expect(await served?.stop()).toBe(0);
    const again = await start();
    const body = { email: user.email, password: 'correct horse battery' };
    const token = (await rest<Session>(again.url, { method: 'POST', path: '/auth/login', body })).body.accessToken;
    for (const id of made) expect((await rest(again.url, { path: `/customers/${id}`, token })).status).toBe(200);
  });
});
