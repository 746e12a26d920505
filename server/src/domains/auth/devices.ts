import { parse } from 'bowser';
import type { Caller } from '../../kernel/context.ts';

/** Where a session comes from. */
export interface Origin {
  readonly device: string;
  readonly address: string;
}

/** The library reads by patterns, so what it is given is bounded. */
const maxLength = 300;
const unknown = 'Unknown device';

export const originOf = ({ userAgent, address }: Pick<Caller, 'userAgent' | 'address'>, named?: string): Origin => ({
  device: named ?? deviceOf(userAgent),
  address,
});

/** `Chrome on Windows`, or the client's own first word: `curl`. */
export function deviceOf(userAgent: string | undefined): string {
  const text = userAgent?.slice(0, maxLength).trim();
  if (!text) return unknown;
  const { browser, os } = parse(text);
  if (browser.name && os.name) return `${browser.name} on ${os.name}`;
  return /^[\w.-]{1,40}/.exec(text)?.[0] ?? unknown;
}
