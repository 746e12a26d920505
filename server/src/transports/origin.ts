import type { IncomingMessage } from 'node:http';

/** Whether a page of another site sends this, and of none that is allowed to; never when no origins are given to go by. */
export function isForeign({ headers }: IncomingMessage, allowed: readonly string[] | undefined): boolean {
  const { origin, host } = headers;
  if (!allowed || origin === undefined || allowed.includes(origin) || allowed.includes('*')) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
