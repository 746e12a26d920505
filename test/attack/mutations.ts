import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { command } from './commands.ts';
import { frame, seedlings, type Seedling } from './seedlings.ts';
import type { Target } from './target.ts';

export interface Mutated {
  readonly sent: number;
  /** How often each status or end was met, by what was mutated. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Answers of 500 and above, with the seed that brings them back. */
  readonly faults: readonly string[];
}

export interface Attempt {
  readonly seedling: Seedling;
  readonly seed: number;
  readonly bytes: Buffer;
}

/** Share of the bits that are turned: from hardly any to hardly anything left. */
const ratios = [0.0002, 0.001, 0.004, 0.02];

/** Every seedling with fixed seeds of zzuf, so that what was found once is found again. */
export async function mutate(target: Target, seeds: number): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const seedling of seedlings(target))
    for (let seed = 0; seed < seeds; seed++) {
      const args = ['-s', String(seed), '-r', String(ratios[seed % ratios.length])];
      const { output } = await command('zzuf', args, { seconds: 10, input: seedling.bytes });
      attempts.push({ seedling, seed, bytes: output });
    }
  return attempts;
}

/** Sends what was mutated, a few at once. */
export async function runMutations(target: Target, attempts: readonly Attempt[]): Promise<Mutated> {
  const outcomes: Record<string, Record<string, number>> = {};
  const faults: string[] = [];
  const queue = [...attempts];
  const work = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const { seedling, seed, bytes } = next;
      const outcome = await attempt(target, seedling, bytes);
      const counted = (outcomes[seedling.name] ??= {});
      counted[outcome] = (counted[outcome] ?? 0) + 1;
      if (/^5\d\d$|"INTERNAL"/.test(outcome)) faults.push(`${seedling.name} with seed ${seed}: ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: 12 }, work));
  return { sent: attempts.length, outcomes, faults };
}

const patienceMs = 400;

async function attempt(target: Target, { before, socket: inside }: Seedling, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    if (!inside) {
      if (before) socket.write(before(bytes.length));
      socket.write(bytes);
      return (/^HTTP\/1\.1 (\d{3})/.exec(await answerOf(socket))?.[1] ?? 'no answer') || 'no answer';
    }
    socket.write(
      `GET /ws HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${target.owner.accessToken}\r\nupgrade: websocket\r\n` +
        `connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    if (!(await answerOf(socket)).startsWith('HTTP/1.1 101')) return 'not let in';
    socket.write(before ? frame(bytes.toString('latin1')) : bytes);
    const text = await answerOf(socket);
    if (text.includes('"INTERNAL"')) return '"INTERNAL"';
    return text === '' ? 'silence' : text.charCodeAt(0) === 0x88 ? 'closed' : 'answered';
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
}

/** What comes first, or nothing within a while: a mutated request may be one that is not finished. */
function answerOf(socket: Socket): Promise<string> {
  return new Promise((done) => {
    const end = (text: string) => {
      clearTimeout(timer);
      socket.removeAllListeners('data').removeAllListeners('close');
      done(text);
    };
    const timer = setTimeout(() => end(''), patienceMs);
    socket.once('data', (data: Buffer) => end(data.toString('latin1')));
    socket.once('close', () => end(''));
  });
}
