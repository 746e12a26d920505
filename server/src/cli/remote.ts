import type { Problem } from '@olympus/contracts';
import type { Command } from 'commander';
import type { z } from 'zod';
import { readClientConfig } from '../config.ts';
import { signIn } from './import-upload.ts';

/** Where a command finds the server, and who asks. */
export interface RemoteFlags {
  readonly url?: string;
  readonly email?: string;
  readonly password?: string;
}

export const withSignIn = (command: Command): Command =>
  command
    .option('--url <url>', 'the server; http://localhost:4000 when absent')
    .option('--email <address>', 'whom to sign in')
    .option('--password <password>', 'better from OLYMPUS_PASSWORD: others on this machine may see options');

export interface RemoteCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
}

/** Signs in once, and then calls the server's REST API. Refusals throw, in words. */
export async function connect(flags: RemoteFlags): Promise<(call: RemoteCall) => Promise<unknown>> {
  const { url = 'http://localhost:4000', email, password } = { ...readClientConfig(), ...flags };
  if (!email || !password)
    throw new Error('who signs in? Give --email and --password, or OLYMPUS_EMAIL and OLYMPUS_PASSWORD');
  const token = await signIn(url, { email, password });
  return async ({ method, path, query = {}, body }) => {
    const target = new URL(`/api/v1${path}`, url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) target.searchParams.set(name, value);
    const response = await fetch(target, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (response.status === 204) return null;
    const answer: unknown = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(inWords(answer as Partial<z.output<typeof Problem>>, response.status));
    return answer;
  };
}

function inWords({ detail, errors = [], code }: Partial<z.output<typeof Problem>>, status: number): string {
  const title = `the server refused: ${detail ?? `HTTP ${status}`}${code === undefined ? '' : ` (${code})`}`;
  return [title, ...errors.map(({ field, message }) => `  ${field} ${message}`)].join('\n');
}
