import type { AuditEntry } from '@olympus/contracts';
import { createHash } from 'node:crypto';

/** What the first entry of a tenant follows: so that no chain passes for another tenant's. */
export const beginningOf = (tenantId: string): Uint8Array =>
  createHash('sha256').update(tenantId.toLowerCase()).digest();

/** SHA-256 over the previous hash and the canonical JSON of everything in the entry but its own hash. */
export const hashOf = (previous: Uint8Array, entry: AuditEntry): Buffer =>
  createHash('sha256')
    .update(previous)
    .update(canonicalJson({ ...entry, hash: undefined }))
    .digest();

/** RFC 8785: the names of fields in order of their UTF-16 units, numbers and texts as ECMAScript writes them, no space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null || value instanceof Date) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  const members = Object.keys(fields)
    .filter((name) => fields[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(fields[name])}`);
  return `{${members.join(',')}}`;
}

export const hexOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
export const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
