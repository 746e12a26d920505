import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from './commands.ts';
import { healthyClient, type Health } from './healthy.ts';
import type { Target } from './target.ts';

export const connections = 4000;
/** Longer than the server's deadline for headers, so that those are seen to be let go. */
const seconds = 30;
const readSlowly = ['-X', '-k', '3', '-n', '5', '-z', '32', '-w', '10', '-y', '20'];

interface Mode {
  readonly name: string;
  readonly args: readonly string[];
  readonly url: string;
}
/** Slow headers, slow bodies, slow readers of the largest answers that anybody may ask for, or whoever has a link. */
const modesOf = ({ url, link }: Target): Mode[] => [
  { name: 'headers', args: ['-H', '-i', '5'], url: `${url}/openapi.json` },
  {
    name: 'body',
    args: ['-B', '-i', '5', '-s', '100000', '-f', 'application/json'],
    url: `${url}/api/v1/auth/validate`,
  },
  { name: 'read of a document', args: readSlowly, url: `${url}/openapi.json` },
  { name: 'read of a script', args: readSlowly, url: `${url}/docs/swagger-ui-bundle.js` },
  { name: 'read of a file', args: [...readSlowly, '-m', 'image/png'], url: link },
];

/** What the target holds: descriptors, MiB of its own, and MiB that the system holds in all TCP connections of the machine. */
export interface Held {
  readonly descriptors: number;
  readonly memory: number;
  readonly kernel: number;
}

export interface Slow {
  readonly mode: string;
  readonly health: Health;
  /** What the attacker, whose own address is bounded, says of the service. */
  readonly available: string;
  readonly before: Held;
  readonly most: Held;
  readonly after: Held;
}

const pageBytes = 4096;
function held(target: Target): Held {
  const pages = Number(/^TCP: .* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]);
  const kernel = (pages * pageBytes) / 2 ** 20;
  return target.alive
    ? { descriptors: target.descriptors(), memory: target.memory(), kernel }
    : { descriptors: 0, memory: 0, kernel };
}
const larger = (a: Held, b: Held): Held => ({
  descriptors: Math.max(a.descriptors, b.descriptors),
  memory: Math.max(a.memory, b.memory),
  kernel: Math.max(a.kernel, b.kernel),
});

export async function* runSlow(target: Target): AsyncGenerator<Slow> {
  for (const { name, args, url } of modesOf(target)) {
    const before = held(target);
    const client = healthyClient(target.url, target.owner.accessToken);
    let most = before;
    const watch = setInterval(() => (most = larger(most, held(target))), 500);
    const { output } = await command(
      'slowhttptest',
      [...args, '-c', String(connections), '-r', '800', '-l', String(seconds), '-p', '5', '-u', url],
      { seconds: seconds + 30 },
    );
    const health = await client.stop();
    clearInterval(watch);
    for (let wait = 0; wait < 20 && target.descriptors() > before.descriptors + 20; wait++) await sleep(1000);
    // oxlint-disable-next-line no-control-regex
    const plain = output.toString().replaceAll(/\u001B\[[\d;]*m/g, '');
    const looks = [...plain.matchAll(/service available:\s*(\w+)/gi)].map((match) => match[1] ?? '');
    const available = `${looks.filter((word) => word === 'YES').length} of ${looks.length} looks`;
    yield { mode: name, health, available, before, most, after: held(target) };
  }
}
