import { png } from '../files/pictures.ts';
import type { Target } from './target.ts';

export interface Seedling {
  readonly name: string;
  readonly bytes: Buffer;
  /** What goes before, unchanged: a request's head with a body's length, or the way into a socket. */
  readonly before?: (length: number) => string;
  /** Of a socket that must be let in first. */
  readonly socket?: boolean;
}

/** A frame of a client: masked, as RFC 6455 §5.3 asks. */
export function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** What is mutated: of each form in which bytes reach the server one that is good. */
export function seedlings({ owner, ids }: Target): Seedling[] {
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
      name: 'image',
      bytes: png(4, 3, 100),
      before: body(`PUT /api/v1/products/${ids.product}/image`, 'image/png'),
    },
    {
      name: 'image in a form',
      bytes: Buffer.concat([
        whole('--edge\nContent-Disposition: form-data; name="file"; filename="a.png"\nContent-Type: image/png\n\n'),
        png(),
        whole('\n--edge--\n'),
      ]),
      before: body(`PUT /api/v1/products/${ids.product}/image`, 'multipart/form-data; boundary=edge'),
    },
    {
      name: 'resumable upload',
      bytes: whole(
        `POST /api/v1/uploads HTTP/1.1\n${auth}tus-resumable: 1.0.0\nupload-length: 100\n` +
          `upload-metadata: filetype aW1hZ2UvcG5n,productId ${btoa(ids.product)}\ncontent-length: 0\nconnection: close\n\n`,
      ),
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
