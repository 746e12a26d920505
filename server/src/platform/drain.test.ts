import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { drainable } from './drain.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a server that drains', () => {
  const agents: Agent[] = [];
  afterEach(() => agents.splice(0).forEach((agent) => agent.destroy()));

  async function serve(answer: RequestListener) {
    const server = createServer({ keepAliveTimeout: 30_000 }, answer);
    const drain = drainable(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    agents.push(agent);
    const ask = async (path = '/') => {
      const asking = request({ port, path, agent, host: '127.0.0.1' }).end();
      const [response] = (await once(asking, 'response')) as [IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      return { status: response.statusCode, connection: response.headers.connection, body };
    };
    return { server, drain, port, ask };
  }

  it('drops no request of clients who keep asking, and then refuses', async () => {
    const { drain, ask } = await serve((_, response) => {
      setTimeout(() => response.end('ok'), Math.random() * 30);
    });
    const faults: unknown[] = [];
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      for (;;) {
        try {
          const { body } = await ask();
          expect(body).toBe('ok');
          answered++;
        } catch (error) {
          // Only a connection that was never made may fail.
          if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') faults.push(error);
          return;
        }
      }
    });
    await pause(200);
    const before = answered;
    await drain({ farewellMs: 200 });
    await Promise.all(clients);
    expect(faults).toEqual([]);
    expect(answered).toBeGreaterThan(before);
  });

  it('waits for what is being answered, and says on it that the connection closes', async () => {
    const { drain, ask } = await serve((_, response) => {
      setTimeout(() => response.end('late'), 400);
    });
    const answer = ask();
    await pause(50);
    const begin = performance.now();
    await drain({ farewellMs: 50 });
    expect(await answer).toEqual({ status: 200, connection: 'close', body: 'late' });
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it('closes what an answer under way at the start has left open', async () => {
    const { drain, ask } = await serve((_, response) => {
      response.write('begun ');
      setTimeout(() => response.end('ended'), 300);
    });
    const answer = ask();
    await pause(50);
    const begin = performance.now();
    await drain({ farewellMs: 50 });
    expect(await answer).toMatchObject({ body: 'begun ended', connection: 'keep-alive' });
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it('does not wait for connections on which nothing was ever asked', async () => {
    const { drain, port } = await serve((_, response) => void response.end());
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    const begin = performance.now();
    await Promise.all([drain({ farewellMs: 50 }), once(socket, 'close')]);
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it('leaves upgraded connections to their owner', async () => {
    const { server, drain, port } = await serve((_, response) => void response.end());
    server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.on('data', (data) => socket.end(data));
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(socket, 'data');
    let over = false;
    const draining = drain({ farewellMs: 20 }).then(() => (over = true));
    await pause(300);
    expect(over).toBe(false);
    socket.write('bye');
    const [echo] = await once(socket, 'data');
    expect(String(echo)).toBe('bye');
    await draining;
  });
});
