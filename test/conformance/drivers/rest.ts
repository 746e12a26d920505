import { contracts, contractsOf } from '@olympus/contracts';
import type { Driver } from '../scenario.ts';

const definitions = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract.def]));

/** Plain HTTP, as a client without any of our code would write it. */
export const rest = (url: string): Driver => ({
  name: 'REST',
  async call(path, input, { token, key }) {
    const def = definitions.get(path);
    if (!def) throw new Error(`no contract ${path}`);
    const [method = '', template = ''] = def.rest.split(' ');
    const rest = { ...(input as Record<string, unknown> | undefined) };
    const take = (name: string) => {
      const value = rest[name];
      delete rest[name];
      return value;
    };
    const pathname = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(take(name))));
    const inQuery =
      method === 'GET' || method === 'DELETE'
        ? Object.keys(rest)
        : [...(def.query ?? [])].filter((name) => name in rest);
    const query = new URLSearchParams(inQuery.map((name): [string, string] => [name, String(take(name))]));
    const hasBody = !['GET', 'DELETE'].includes(method);
    const response = await fetch(`${url}/api/v1${pathname}${query.size ? `?${query}` : ''}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
        ...(hasBody ? { 'content-type': 'application/json' } : {}),
      },
      ...(hasBody ? { body: JSON.stringify(rest) } : {}),
    });
    const text = await response.text();
    const body: unknown = text ? JSON.parse(text, reviveInstant) : null;
    if (response.ok) return { ok: true, value: body };
    const { code, status, data, errors } = body as { code: string; status: number; data: unknown; errors: unknown };
    return { ok: false, code, status, data, errors };
  },
  close: () => Promise.resolve(),
});

function reviveInstant(key: string, value: unknown): unknown {
  return /^(createdAt|updatedAt|placedAt|expiresAt|lastUsedAt|emailVerifiedAt|suspendedAt|revokedAt|rotatedUntil|sealedAt|editedAt|deletedAt|joinedAt|readAt|lastActivityAt)$/.test(
    key,
  ) && typeof value === 'string'
    ? new Date(value)
    : value;
}
