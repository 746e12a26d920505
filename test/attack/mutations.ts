import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { command } from './commands.ts';
import type { Target } from './target.ts';

interface Seedling {
  readonly name: string;
  readonly bytes: Buffer;
  /** What goes before, unchanged: a request's head with a body's length, or the way into a socket. */
  readonly before?: (length: number) => string;
  /** Of a socket that must be let in first. */
  readonly socket?: boolean;
}

/** A frame of a client: masked, as RFC 6455 §5.3 asks. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

function seedlings({ owner, ids }: Target): Seedling[] {
  const auth = `host: localhost\r\nauthorization: Bearer ${owner.accessToken}\r\n`;
  const json = `${auth}content-type: application/json\r\n`;
  const body =
    (line: string, type = 'application/json') =>
    (length: number) =>
      `${line} HTTP/1.1\r\n${auth}content-type: ${type}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;
  const whole = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'));
  const order = JSON.stringify({ items: [{ productId: ids.product, quantity: 1 }], notes: 'gift', country: 'France' });
  const call = (method: string, path: string, input: unknown) =>
    JSON.stringify({ id: 1, method, params: { path, input: { json: input } } });
  return [
    {
      name: 'REST head',
      bytes: whole(`GET /api/v1/orders?limit=3&sort=-total HTTP/1.1\n${auth}connection: close\n\n`),
    },
    { name: 'REST body', bytes: Buffer.from(order), before: body('POST /api/v1/orders') },
    {
      name: 'REST merge',
      bytes: Buffer.from('{"name":"x","price":{"amount":"1.00","currency":"GBP"}}'),
      before: body(`PATCH /api/v1/products/${ids.product}`, 'application/merge-patch+json'),
    },
    {
      name: 'chunked',
      bytes: whole(
        `POST /api/v1/auth/validate HTTP/1.1\n${json}transfer-encoding: chunked\n\n10\n{"token":"none"}\n0\n\n`,
      ),
    },
    {
      name: 'upload',
      bytes: Buffer.from('sku,name,price,stock\nA,Apple,1.50,3\n"B",Pear,2,\n'),
      before: body('POST /api/v1/products/import', 'text/csv'),
    },
    {
      name: 'upload lines',
      bytes: Buffer.from('{"sku":"C","name":"Cup","price":"1.5"}\n{"sku":"D"}\n'),
      before: body('POST /api/v1/products/import', 'application/x-ndjson'),
    },
    {
      name: 'tRPC head',
      bytes: whole(
        `GET /trpc/orders.list?input=%7B%22json%22%3A%7B%22limit%22%3A3%7D%7D HTTP/1.1\n${auth}connection: close\n\n`,
      ),
    },
    {
      name: 'tRPC body',
      bytes: Buffer.from(`{"json":${order},"meta":{"values":{"notes":["undefined"]}}}`),
      before: body('POST /trpc/orders.create'),
    },
    {
      name: 'tRPC batch',
      bytes: Buffer.from(`{"0":{"json":{"token":"a"}},"1":{"json":${order}}}`),
      before: body('POST /trpc/auth.validate,orders.create?batch=1'),
    },
    {
      name: 'tRPC streamed',
      bytes: whole(
        `GET /trpc/auth.me,orders.list?batch=1&input=%7B%221%22%3A%7B%22json%22%3A%7B%7D%7D%7D HTTP/1.1\n${auth}trpc-accept: application/jsonl\nconnection: close\n\n`,
      ),
    },
    {
      name: 'events',
      bytes: whole(
        `GET /trpc/orders.updates?input=%7B%22json%22%3A%7B%7D%7D HTTP/1.1\n${auth}accept: text/event-stream\nlast-event-id: AAAA\n\n`,
      ),
    },
    {
      name: 'upgrade',
      bytes: whole(
        `GET /ws?connectionParams=1 HTTP/1.1\n${auth}upgrade: websocket\nconnection: Upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n\n`,
      ),
    },
    { name: 'frame', bytes: frame(call('query', 'orders.list', { limit: 3 })), socket: true },
    {
      name: 'frames',
      bytes: Buffer.concat([
        frame(call('subscription', 'orders.updates', {})),
        frame('{"id":1,"method":"subscription.stop"}'),
        frame('PING'),
      ]),
      socket: true,
    },
    {
      name: 'message',
      bytes: Buffer.from(call('mutation', 'orders.create', JSON.parse(order) as unknown)),
      socket: true,
      before: () => 'framed',
    },
    {
      name: 'credential',
      bytes: Buffer.from(JSON.stringify({ method: 'connectionParams', data: { token: owner.accessToken } })),
      socket: true,
      before: () => 'framed',
    },
  ];
}

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
