import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Ids } from '../../platform/ids.ts';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const form = /^(olk_[0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** What every API key begins with, for look-ups and for scanners that search code for leaked secrets. */
export const keyPrefix = 'olk_';

export interface NewSecret {
  /** Visible, unique, and what a key is looked up by. */
  readonly prefix: string;
  /** The whole key. */
  readonly secret: string;
  readonly hash: string;
}

/** `olk_<12 of prefix>_<43 of secret><6 of checksum>`, all base62. Rotation keeps the prefix. */
export function newSecret(ids: Ids, prefix = `${keyPrefix}${base62(ids.secret(9), 12)}`): NewSecret {
  const body = `${prefix}_${base62(ids.secret(32), 43)}`;
  const secret = body + checksum(body);
  return { prefix, secret, hash: hashOf(secret) };
}

/** The visible part of a well-formed key; null for typos and inventions, which the checksum tells without the database. */
export function prefixOf(secret: string): string | null {
  const [, prefix, , sum] = form.exec(secret) ?? [];
  return prefix !== undefined && sum === checksum(secret.slice(0, -6)) ? prefix : null;
}

/**
 * A fast hash is right here: the secret is 256 random bits, which nobody finds by trying however fast each try is. Slow
 * hashes are for passwords, which people choose; one on every call would cost 30 ms of a processor.
 */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Takes as long wherever the two differ. */
export function isSameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** CRC-32 finds typos; it keeps no secret, and need not. */
const checksum = (body: string): string => digitsOf(BigInt(crc32(body)), 6);

const base62 = (base64url: string, length: number): string =>
  digitsOf(BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`), length);

function digitsOf(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = (digits[Number(rest % 62n)] ?? '') + text;
  return text;
}
