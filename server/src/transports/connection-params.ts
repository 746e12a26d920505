import { bearerOf } from './caller.ts';
import { issue } from './input-issue.ts';

/**
 * The credential in tRPC's `connectionParams`, for clients that cannot set a header: `{ token }` or
 * `{ authorization: 'Bearer …' }`; null without one. Throws `UNAUTHENTICATED` for what is no bearer token.
 */
export function credentialOf(params: unknown): string | null {
  if (params === null || params === undefined) return null;
  if (typeof params !== 'object' || Array.isArray(params)) throw malformed();
  const { token, authorization, Authorization: capitalised } = params as Record<string, unknown>;
  const header = authorization ?? capitalised;
  if (token !== undefined) return typeof token === 'string' ? bearerOf(`Bearer ${token}`) : refuse();
  if (header !== undefined) return typeof header === 'string' ? bearerOf(header) : refuse();
  return null;
}

const malformed = () => issue('connectionParams', 'must be an object with a token', 'invalid_format');
const refuse = (): never => {
  throw malformed();
};
