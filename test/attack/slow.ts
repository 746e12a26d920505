import { setTimeout as sleep } from 'node:timers/promises';
import { command } from './commands.ts';
import { healthyClient, type Health } from './healthy.ts';
import type { Target } from './target.ts';

export const connections = 4000;
/** Longer than the server's deadline for headers, so that those are seen to be let go. */
const seconds = 30;

/** Slow headers, slow bodies, slow readers. */
const modes: Readonly<Record<string, readonly string[]>> = {
  headers: ['-H', '-i', '5'],
  body: ['-B', '-i', '5', '-s', '100000', '-f', 'application/json'],
  read: ['-X', '-k', '3', '-n', '5', '-z', '32', '-w', '10', '-y', '20'],
};

export interface Slow {
  readonly mode: string;
  readonly health: Health;
  /** What the attacker says of the service. */
  readonly available: string;
  /** Descriptors before, at the most, and once the attack was over. */
  readonly descriptors: readonly [before: number, most: number, after: number];
}

export async function runSlow(target: Target): Promise<Slow[]> {
  const results: Slow[] = [];
  for (const [mode, args] of Object.entries(modes)) {
    const before = target.descriptors();
    const client = healthyClient(target.url, target.owner.accessToken);
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, target.alive ? target.descriptors() : 0)), 500);
    const path = mode === 'body' ? '/api/v1/auth/validate' : '/openapi.json';
    const { output } = await command(
      'slowhttptest',
      [...args, '-c', String(connections), '-r', '800', '-l', String(seconds), '-p', '5', '-u', target.url + path],
      { seconds: seconds + 30 },
    );
    const health = await client.stop();
    clearInterval(watch);
    for (let wait = 0; wait < 20 && target.descriptors() > before + 20; wait++) await sleep(1000);
    // oxlint-disable-next-line no-control-regex
    const plain = output.toString().replaceAll(/\u001B\[[\d;]*m/g, '');
    const available = [...plain.matchAll(/service available:\s*(\w+)/gi)].map((match) => match[1] ?? '');
    const said = `${available.filter((word) => word === 'YES').length} of ${available.length} looks`;
    results.push({ mode, health, available: said, descriptors: [before, most, target.descriptors()] });
  }
  return results;
}
