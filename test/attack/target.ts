import { readdirSync, readFileSync } from 'node:fs';
import { png } from '../files/pictures.ts';
import { createStore, registerTenant, rest, type Session, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

/** A server in a process of its own, with something to steal. */
export interface Target {
  readonly url: string;
  readonly owner: Session;
  readonly ids: Readonly<Record<'product' | 'customer' | 'order', string>>;
  /** Address of an image of 8 MB that needs no credential. */
  readonly link: string;
  /** MiB that the process holds now. */
  memory(): number;
  /** Sockets and files that it has open. */
  descriptors(): number;
  /** False once it has ended, as it does of an error that nobody catches and of a promise that nobody waits for. */
  readonly alive: boolean;
  /** Lines of its log that tell of a failure inside. */
  errors(): string[];
  stop(): Promise<number | NodeJS.Signals | null>;
}

/** With the limits that it has by itself, or without, where they would hide what an attack looks for. */
export async function startTarget({ limits }: { limits: boolean }): Promise<Target> {
  const store: Store = await createStore();
  const served: Served = await olympus({
    ...store.env,
    LOG_LEVEL: 'error',
    ...(limits ? {} : { RATE_LIMITS: 'off', OLYMPUS_SIGN_IN_FAILURES: '1000000' }),
    NODE_OPTIONS: '--unhandled-rejections=strict',
  });
  const { pid } = served.process;
  const owner = await registerTenant(served.url);
  const make = async (path: string, body: unknown) => {
    const made = await rest<{ id: string }>(served.url, { method: 'POST', path, body, token: owner.accessToken });
    if (made.status !== 201) throw new Error(`${path} answered ${made.status}`);
    return made.body.id;
  };
  const price = { amount: '4.95', currency: 'GBP' };
  const product = await make('/products', { sku: 'MUG', name: 'Red mug', price, stock: 100_000 });
  const customer = await make('/customers', { name: 'Ada', code: 'A1' });
  const order = await make('/orders', { items: [{ productId: product, quantity: 2 }], customerId: customer });
  const image = await fetch(`${served.url}/api/v1/products/${product}/image`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${owner.accessToken}`, 'content-type': 'image/png' },
    body: new Uint8Array(png(4, 3, 8_000_000)),
  });
  const link = ((await image.json()) as { image?: { url: string } }).image?.url;
  if (!link) throw new Error(`the image was answered with ${image.status}`);
  const errors: string[] = [];
  served.process.stdout?.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line.includes('"level":"error"')) errors.push(line);
  });
  served.process.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  return {
    url: served.url,
    owner,
    ids: { product, customer, order },
    link: new URL(link, served.url).href,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    get alive() {
      return served.process.exitCode === null && served.process.signalCode === null;
    },
    errors: () => errors,
    async stop() {
      const code = await served.stop();
      await store.remove();
      return code;
    },
  };
}
