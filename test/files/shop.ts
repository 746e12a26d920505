import type { contracts, OutputOf } from '@olympus/contracts';
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { rest, type Olympus } from '../harness.ts';

export type Product = OutputOf<(typeof contracts.products.get)['def']>;
type Answer<T> = { status: number; body: T; headers: Headers };
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly data: Record<string, unknown> | null;
}

/** A tenant that has products. */
export interface Shop {
  readonly token: string;
  product(): Promise<Product>;
  get(id: string): Promise<Product>;
  /** Sends bytes as they are. */
  put<T = Product>(id: string, body: Uint8Array, type?: string, headers?: Record<string, string>): Promise<Answer<T>>;
  fetch(path: string, headers?: Record<string, string>, method?: string): Promise<Response>;
}

export async function openShop(olympus: Olympus): Promise<Shop> {
  const session = await olympus.tenant();
  const token = session.accessToken;
  const at = (path: string) => new URL(path.startsWith('/api') ? path : `/api/v1${path}`, olympus.url);
  return {
    token,
    async product() {
      const body = { sku: randomUUID(), name: 'Mug', price: { amount: '2.50', currency: 'GBP' } };
      return (await rest<Product>(olympus.url, { method: 'POST', path: '/products', token, body })).body;
    },
    get: async (id) => (await rest<Product>(olympus.url, { path: `/products/${id}`, token })).body,
    async put(id, body, type = 'image/png', headers = {}) {
      const response = await fetch(at(`/products/${id}/image`), {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': type, ...headers },
        body: new Uint8Array(body),
      });
      return { status: response.status, body: (await response.json()) as never, headers: response.headers };
    },
    fetch: (path, headers = {}, method = 'GET') =>
      fetch(at(path), { method, headers: { authorization: `Bearer ${token}`, ...headers } }),
  };
}

/** The files below a folder that are no folders. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}
