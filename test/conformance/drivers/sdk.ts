import { createOlympus, memorySession, OlympusError, type StoredSession } from '@olympus/client';
import { contracts, contractsOf } from '@olympus/contracts';
import type { Driver } from '../scenario.ts';

const kinds = new Map([...contractsOf(contracts)].map(({ path, contract }) => [path, contract.kind]));
type Verb = (input: unknown, options: { context: { idempotencyKey?: string; retries: number } }) => Promise<unknown>;

/** Our own client, signed in by a session that it did not open itself. */
export const sdk = (url: string): Driver => ({
  name: 'SDK',
  async call(path, input, { token, key }) {
    // A session's own token is not sent to sign in; a forged one is, so that it is refused. A key has no session.
    const bare = /^(eyJhbGciOiJub25l|olk_)/.test(token ?? '');
    const session = { accessToken: token, refreshToken: 'none' } as StoredSession;
    const api = createOlympus({
      url,
      ...(token && !bare ? { session: memorySession(session) } : {}),
      ...(bare ? { headers: { authorization: `Bearer ${token}` } } : {}),
    });
    const steps = [...path.split('.'), kinds.get(path) === 'query' ? 'query' : 'mutate'];
    const call = steps.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], api) as Verb;
    try {
      return {
        ok: true,
        value: await call(input, { context: { retries: 0, ...(key ? { idempotencyKey: key } : {}) } }),
      };
    } catch (error) {
      if (!(error instanceof OlympusError)) throw error;
      const { code, status, data, errors } = error.failure as {
        code: string;
        status: number;
        data: unknown;
        errors: unknown;
      };
      return { ok: false, code, status, data, errors };
    }
  },
  close: () => Promise.resolve(),
});
