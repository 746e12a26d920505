import { contracts, contractsOf } from '@olympus/contracts';
import { WebSocket } from 'ws';
import { readJson, trpcAnswer, type Answer, type Call, type Protocol, type Stream } from './wire.ts';

const kinds = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract.kind]));
/** Below what the server takes for a flood, with room for what came just before. */
const messagesOfASocket = 400;

interface Frame {
  readonly id?: number | null;
  readonly result?: { type?: string; data?: unknown };
  readonly error?: unknown;
}
interface Socket {
  readonly open: Promise<Answer | null>;
  readonly listeners: Map<number, (frame: Frame, text: string) => void>;
  readonly ws: WebSocket;
  sent: number;
}

/** tRPC over WebSocket, written by hand so that any input goes out as it is. One socket for each credential. */
export function socketProtocol(url: string): Protocol {
  const sockets = new Map<string, Socket>();
  const all = new Set<WebSocket>();
  let id = 0;

  const socketOf = (token: string | null | undefined): Socket => {
    const known = sockets.get(token ?? '');
    if (known && known.sent < messagesOfASocket && known.ws.readyState <= WebSocket.OPEN) return known;
    const ws = new WebSocket(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
    all.add(ws);
    const listeners: Socket['listeners'] = new Map();
    const open = new Promise<Answer | null>((done) => {
      ws.once('open', () => done(null));
      ws.once('unexpected-response', (_, response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const body = readJson(text);
          done(trpcAnswer(response.statusCode ?? 0, body, { text, headers: null }));
          ws.terminate();
        });
      });
    });
    ws.on('error', () => undefined);
    ws.on('message', (data: Buffer) => {
      const text = data.toString();
      const frame = (readJson(text) ?? {}) as Frame;
      if (typeof frame.id === 'number') listeners.get(frame.id)?.(frame, text);
    });
    ws.once('close', (code, reason) => {
      const text = `closed ${code} ${reason.toString()}`;
      for (const listener of listeners.values()) listener({ error: { message: text } }, text);
    });
    const socket = { open, listeners, ws, sent: 0 };
    sockets.set(token ?? '', socket);
    return socket;
  };

  const follow = (call: Call): Stream => {
    const own = ++id;
    const socket = socketOf(call.token);
    socket.sent++;
    let text = '';
    const opened = (async (): Promise<Answer> => {
      const refused = await socket.open;
      if (refused) return refused;
      return new Promise<Answer>((done) => {
        socket.listeners.set(own, (frame, raw) => {
          text += `${raw}\n`;
          const { result, error } = frame;
          const body = result ? { result: { data: result.data ?? {} } } : { error };
          if (result?.type !== 'stopped') done(trpcAnswer(result ? 200 : 500, body, { text, headers: null }));
        });
        const { path, input = null, key } = call;
        const params = { path, input: { json: input }, ...(key ? { idempotencyKey: key } : {}) };
        socket.ws.send(JSON.stringify({ id: own, method: kinds.get(path), params }));
      });
    })();
    return {
      opened,
      text: () => text,
      close() {
        socket.listeners.delete(own);
        if (kinds.get(call.path) === 'subscription' && socket.ws.readyState === WebSocket.OPEN)
          socket.ws.send(JSON.stringify({ id: own, method: 'subscription.stop' }));
      },
    };
  };

  return {
    name: 'WebSocket',
    async call(call) {
      const stream = follow(call);
      const answer = await stream.opened;
      stream.close();
      return answer;
    },
    follow,
    close() {
      for (const ws of all) ws.terminate();
    },
  };
}
