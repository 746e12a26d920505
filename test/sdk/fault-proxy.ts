import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What becomes of a request: nothing in particular when undefined. */
type Fault =
  | { readonly answer: { status: number; headers?: Record<string, string>; body?: string } }
  /** Cut before the server sees it. */
  | { readonly cut: 'request' }
  /** Served, and cut instead of answered. */
  | { readonly cut: 'answer' }
  /** Cut once so many bytes of the answer are through. */
  | { readonly cutAfterBytes: number }
  /** Held back for so many milliseconds. */
  | { readonly delayMs: number }
  /** The answer is held back until it ends. */
  | { readonly buffered: true }
  /** Taken, and never answered. */
  | { readonly hang: true };

interface SeenRequest {
  readonly method: string;
  /** The procedures of a tRPC request, or the path of another. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FaultProxy {
  readonly url: string;
  /** Requests and upgrades, as they came. */
  readonly seen: SeenRequest[];
  /** Applies `fault` to the next `times` requests whose path contains `path`, and which accept `accept` where that is given. */
  fail(path: string, fault: Fault, times?: number, accept?: string): void;
  /** Forgets all faults. */
  heal(): void;
  /** Cuts every open connection. */
  cutAll(): void;
  /** While true, new connections are cut at once. */
  down: boolean;
  close(): Promise<void>;
}

/** Stands between client and server and does what networks do. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const faults: { path: string; fault: Fault; times: number; accept: string }[] = [];
  const seen: SeenRequest[] = [];

  const take = (path: string, { accept = '' }: IncomingMessage['headers']): Fault | undefined => {
    const found = faults.find(
      (each) => each.times > 0 && path.includes(each.path) && (!each.accept || accept.includes(each.accept)),
    );
    if (!found) return undefined;
    found.times--;
    return found.fault;
  };
  const note = ({ method = '', url = '', headers }: IncomingMessage): string => {
    const path = decodeURIComponent(new URL(url, target).pathname.replace(/^\/trpc\//, ''));
    seen.push({ method, path, headers });
    return path;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = take(note(request), request.headers);
    const cut = () => request.socket.destroy();
    if (fault && 'cut' in fault && fault.cut === 'request') {
      cut();
      return;
    }
    if (fault && 'hang' in fault) return;
    if (fault && 'delayMs' in fault) await sleep(fault.delayMs);
    if (fault && 'answer' in fault) {
      const { status, headers, body } = fault.answer;
      request.resume();
      response.writeHead(status, headers).end(body);
      return;
    }
    const upstream = forward({ hostname, port, path: request.url, method: request.method, headers: request.headers });
    upstream.on('error', cut);
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
    upstream.on('response', (answer) => {
      answer.on('error', cut);
      if (fault && 'cut' in fault) {
        answer.resume().on('end', cut);
        return;
      }
      if (fault && 'buffered' in fault) {
        const held: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => held.push(chunk));
        answer.on('end', () => response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(held)));
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      let left = fault && 'cutAfterBytes' in fault ? fault.cutAfterBytes : Infinity;
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) setTimeout(cut, 20);
      });
      answer.on('end', () => left > 0 && response.end());
    });
  };

  const server = createServer((request, response) => void serve(request, response));
  server.on('connection', (socket) => {
    if (proxy.down) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    const fault = take(note(request), request.headers);
    if (fault) {
      if (!('hang' in fault)) socket.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname, () => {
      const headers = request.rawHeaders.map((text, index) => text + (index % 2 ? '\r\n' : ': ')).join('');
      upstream.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers}\r\n`);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const cutAll = () => sockets.forEach((socket) => socket.destroy());
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    down: false,
    fail: (path, fault, times = 1, accept = '') => void faults.push({ path, fault, times, accept }),
    heal: () => void faults.splice(0),
    cutAll,
    close: () => {
      cutAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
