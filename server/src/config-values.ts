import { isIP } from 'node:net';
import { z } from 'zod';
import { noLimit, noRateLimits, rateLimitsOf, type RateLimit, type RateLimits } from './platform/rate-limiter.ts';

const check = <T>(expected: string, read: (text: string) => T | undefined) =>
  z.string().transform((text, context) => {
    const value = read(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${expected}` });
    return z.NEVER;
  });

export const whole = (min: number, max: number) =>
  check(`a whole number from ${min} to ${max}`, (text) =>
    /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
  );
export const oneOf = <const T extends string>(...values: T[]) =>
  check(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text.toLowerCase()));
export const url = (example: string, ...schemes: string[]) =>
  check(`an address such as ${example}`, (text) => (schemes.includes(urlOf(text)?.protocol ?? '') ? text : undefined));
export const urls = (example: string, ...schemes: string[]) =>
  check(`an address such as ${example}`, (text) => {
    const items = text.split(',').map((item) => item.trim());
    return items.every((item) => schemes.includes(urlOf(item)?.protocol ?? '')) ? items.join(',') : undefined;
  });
export const list = (expected: string, isItem: (item: string) => boolean) =>
  check(`a comma-separated list of ${expected}`, (text) => {
    const items = text.split(',').map((item) => item.trim());
    return items.every(isItem) ? items : undefined;
  });

export const mailbox = check('an address such as Olympus <no-reply@example.com>', (text) =>
  /^(?:[^<>@\r\n]{1,100} )?<?[^\s<>@]{1,64}@[^\s<>@]{1,190}>?$/.test(text) ? text : undefined,
);
export const linkPath = check('a path with {token} in it, such as /reset-password#token={token}', (text) =>
  text.startsWith('/') && text.includes('{token}') ? text : undefined,
);

export const httpUrl = url('https://api.example.com', 'http:', 'https:');
export const rateLimits = check(
  'off, or a comma-separated list such as read=200/1,write=100/1,signIn=10/60,stream=60/60,address=2000/1,tenant=2000/1 (calls per seconds)',
  readRateLimits,
);

export const password = check('10 to 200 characters', (text) =>
  text.length >= 10 && text.length <= 200 ? text : undefined,
);

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

export function isOrigin(text: string): boolean {
  return urlOf(text)?.origin === text;
}

export function isBlock(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function readRateLimits(text: string): RateLimits | undefined {
  if (text === 'off') return noRateLimits;
  const limits: Record<string, RateLimit> = {};
  for (const part of text.split(',')) {
    const match = /^(\w+)=(?:(off)|([1-9]\d{0,8})\/([1-9]\d{0,4}))$/.exec(part.trim());
    const [, name = '', off, limit, windowSeconds] = match ?? [];
    if (!Object.hasOwn(noRateLimits, name)) return undefined;
    limits[name] = off ? noLimit : { limit: Number(limit), windowSeconds: Number(windowSeconds) };
  }
  return rateLimitsOf(limits);
}
