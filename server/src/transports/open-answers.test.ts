import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openAnswers, type OpenAnswersOptions } from './open-answers.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server of answers that are larger than what the system takes by itself; `network` is asked of each connection. */
async function serve(options: OpenAnswersOptions) {
  const answers = openAnswers({ sweepMs: 20, ...options });
  const open = new Set<Socket>();
  const bytes = Buffer.alloc(16 * 2 ** 20);
  let ended = 0;
  const server = createServer((request, response) => {
    if (!answers.add(request, response)) return;
    response.once('close', () => ended++);
    if (request.url !== '/never') response.end(bytes);
  });
  server.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => void server.close().closeAllConnections());
  const ask = (text: string) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(text));
    socket.on('error', () => undefined).pause();
    stops.push(() => void socket.destroy());
    return socket;
  };
  return { ask, open: () => open.size, ended: () => ended };
}
const get = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe('answers under way', () => {
  it('are bounded where one network takes nothing of many', async () => {
    const { ask, open } = await serve({ networkOf: () => 'net', stuckMs: 100, stuckPerNetwork: 4 });
    for (let n = 0; n < 10; n++) ask(get());
    await expect.poll(open).toBe(10);
    await expect.poll(open, { timeout: 5000 }).toBe(4);
  });

  it('are not where many clients share an address', async () => {
    const { ask, open } = await serve({ networkOf: () => null, stuckMs: 50, stuckPerNetwork: 4 });
    for (let n = 0; n < 10; n++) ask(get());
    await new Promise((done) => setTimeout(done, 1000));
    expect(open()).toBe(10);
  });

  it('end when nothing of them is taken, and stay while something is', async () => {
    const { ask, open } = await serve({ stuckMs: 50, stallMs: 500 });
    ask(get());
    const reader = ask(get());
    const reading = setInterval(() => reader.read(), 10);
    await expect.poll(open).toBe(2);
    await expect.poll(open, { timeout: 5000 }).toBe(1);
    clearInterval(reading);
    expect(reader.destroyed).toBe(false);
  });

  it('end when they are complete and not read in time', async () => {
    const { ask, open } = await serve({ readMs: 300 });
    const reader = ask(get());
    const trickle = setInterval(() => reader.read(1024), 20);
    await expect.poll(open).toBe(1);
    await expect.poll(open, { timeout: 5000 }).toBe(0);
    clearInterval(trickle);
  });

  it('are told of the end of their connection, those behind another, too', async () => {
    const { ask, ended } = await serve({ perConnection: 5 });
    const socket = ask(get('/never').repeat(5));
    await new Promise((done) => setTimeout(done, 200));
    expect(ended()).toBe(0);
    socket.destroy();
    await expect.poll(ended).toBe(5);
  });

  it('of one connection are bounded', async () => {
    const { ask, open, ended } = await serve({ perConnection: 5 });
    ask(get('/never').repeat(6));
    await expect.poll(ended).toBe(5);
    await expect.poll(open).toBe(0);
  });
});
