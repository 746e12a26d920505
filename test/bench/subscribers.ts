import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * Runs in a process of its own: opens sockets that subscribe, tells that they stand, and for each line of its input tells
 * of the time since the last. It reads frames itself, since a full client would be what is measured, and looks into those
 * of some sockets only.
 */
const [, , address = '', count = '0', token = '', path = '', kind = 'trpc', sampled = '100'] = process.argv;
const { hostname, port } = new URL(address);
const wanted = Number(count);
const mark = '"orders":';
/** Shorter messages are of the protocol. */
const leastEvent = 80;

/** How the client of a protocol begins, and what it answers. */
const protocols = {
  trpc: {
    target: '/ws',
    hello: [JSON.stringify({ id: 1, jsonrpc: '2.0', method: 'subscription', params: { path, input: { json: {} } } })],
    started: '"result":{"type":"started"',
    answers: new Map<string, string>(),
  },
  'socket.io': {
    target: '/socket.io/?EIO=4&transport=websocket',
    hello: ['40'],
    started: '40{',
    answers: new Map([['2', '3']]),
  },
};
const protocol = protocols[kind as keyof typeof protocols];

/** What was read last, of any socket: one of its own for each chunk would cost more than to look into it. */
const shared = Buffer.allocUnsafe(256 * 1024);

let open = 0;
let lost = 0;
let events = 0;
let latencies: number[] = [];

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

/** Reads the frames in a stream of bytes: where their payload begins, and where it ends. */
function reader(onFrame: (bytes: Buffer, from: number, to: number) => void): (chunk: Buffer) => void {
  let rest: Buffer | null = null;
  return (chunk) => {
    const bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1]! & 127;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - at < head) break;
      const length =
        short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
      const from = at + head;
      if (bytes.length - from < length) break;
      onFrame(bytes, from, from + length);
      at = from + length;
    }
    rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null;
  };
}

function subscribe(index: number): Promise<void> {
  return new Promise((done) => {
    const onread = { buffer: shared, callback: (length: number) => take(shared.subarray(0, length)) };
    const socket: Socket = connect({ port: Number(port), host: hostname, onread }, () =>
      socket.write(
        `GET ${protocol.target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
          `${token ? `Authorization: Bearer ${token}\r\n` : ''}\r\n`,
      ),
    );
    const isSampled = index % Number(sampled) === 0;
    let isOpen = false;
    const read = reader((bytes, from, to) => {
      if (isOpen && to - from >= leastEvent) {
        events++;
        if (!isSampled) return;
      }
      const text = bytes.toString('latin1', from, to);
      if (!isOpen && text.includes(protocol.started)) {
        isOpen = true;
        open++;
        done();
      }
      const answer = protocol.answers.get(text);
      if (answer) socket.write(frame(answer));
      // The number of an event is the moment at which it was written.
      const number = text.indexOf(mark);
      if (number >= 0 && isSampled)
        latencies.push((Date.now() % 1e9) - Number.parseInt(text.slice(number + mark.length), 10));
    });
    let upgraded = false;
    const take = (chunk: Buffer): boolean => {
      const end = upgraded ? -4 : chunk.indexOf('\r\n\r\n');
      if (!upgraded && end < 0) return true;
      if (!upgraded) for (const text of protocol.hello) socket.write(frame(text));
      upgraded = true;
      read(chunk.subarray(end + 4));
      return true;
    };
    socket.on('error', () => {});
    socket.on('close', () => {
      lost++;
      done();
    });
  });
}

for (let index = 0; index < wanted; index += 50)
  await Promise.all(Array.from({ length: Math.min(50, wanted - index) }, (_, n) => subscribe(index + n)));
process.stdout.write(`${JSON.stringify({ open, lost })}\n`);
process.stdin.on('data', () => {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.max(0, Math.ceil(latencies.length * share) - 1)] ?? null;
  process.stdout.write(`${JSON.stringify({ events, lost, p50: at(0.5), p99: at(0.99) })}\n`);
  events = 0;
  latencies = [];
});
process.stdin.on('end', () => process.exit(0));

/**
 * Looks every two milliseconds for what has come. Asleep in its poll it would be woken for each message by the server's
 * write, at the price of the server, which real clients elsewhere do not take.
 */
const still = new Int32Array(new SharedArrayBuffer(4));
const look = (): void => {
  Atomics.wait(still, 0, 0, 2);
  setImmediate(look);
};
look();
