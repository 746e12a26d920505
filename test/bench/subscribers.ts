import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';

/**
 * Runs in a process of its own: opens sockets that subscribe, tells that they stand, and for each line of its input
 * starts counting anew and tells of the last period. It reads frames itself, since a full client would be what is measured.
 */
const [, , address = '', count = '0', token = '', path = '', sampled = '100'] = process.argv;
const { hostname, port, pathname } = new URL(address);
const wanted = Number(count);
const call = JSON.stringify({ id: 1, jsonrpc: '2.0', method: 'subscription', params: { path, input: { json: {} } } });
const mark = Buffer.from('"orders":');
const started = Buffer.from('"result":{"type":"started"');

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

/** Counts whole frames of a stream of bytes. */
function reader(onFrame: (payload: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      if (bytes.length - at < 2) break;
      const short = (bytes[at + 1] ?? 0) & 127;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - at < head) break;
      const length =
        short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
      if (bytes.length - at < head + length) break;
      onFrame(bytes.subarray(at + head, at + head + length));
      at += head + length;
    }
    rest = Buffer.from(bytes.subarray(at));
  };
}

function subscribe(index: number): Promise<void> {
  return new Promise((done) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      ),
    );
    const isSampled = index % Number(sampled) === 0;
    const read = reader((payload) => {
      if (payload.includes(started)) {
        open++;
        done();
        return;
      }
      if (!payload.includes(mark)) return;
      events++;
      // The number of an event is the moment at which it was written.
      if (isSampled) latencies.push((Date.now() % 1e9) - Number(/"orders":(\d+)/.exec(payload.toString())?.[1]));
    });
    let upgraded = false;
    socket.on('data', (chunk: Buffer) => {
      if (upgraded) return read(chunk);
      const end = chunk.indexOf('\r\n\r\n');
      if (end < 0) return;
      upgraded = true;
      socket.write(frame(call));
      read(chunk.subarray(end + 4));
    });
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
