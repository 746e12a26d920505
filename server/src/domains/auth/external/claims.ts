import { atLeast, roles, type Role } from '@olympus/contracts';
import { z } from 'zod';
import type { Subject } from './repository.ts';
import type { ExternalIssuer } from './settings.ts';

/** What an issuer says of a person, in our words. */
export interface Assertion extends Subject {
  /** Only where the issuer has verified it. */
  readonly email: string | null;
  /** The only tenant whose user this may be; null: any. */
  readonly tenantId: string | null;
  /** A role that the user's own is lowered to; null: the user's own. */
  readonly role: Role | null;
}

const subjectText = z.string().min(1).max(255);
const emailText = z.email().max(254);

/** Reads claims by an issuer's mapping; null where one that is needed is missing or unknown. */
export function readAssertion(settings: ExternalIssuer, claims: unknown): Assertion | null {
  const { claims: names, tenant: only } = settings;
  const value = valueAt(claims, names.subject);
  const subject = subjectText.safeParse(typeof value === 'number' ? String(value) : value);
  if (!subject.success) return null;
  const tenantId = names.tenant === undefined ? (only ?? null) : tenantOf(settings, valueAt(claims, names.tenant));
  if (tenantId === undefined || (only !== undefined && tenantId !== only)) return null;
  const role = names.role === undefined ? null : roleOf(settings, valueAt(claims, names.role));
  if (role === undefined) return null;
  const email = valueAt(claims, names.emailVerified) === true ? emailOf(valueAt(claims, names.email)) : null;
  return { issuer: settings.issuer, subject: subject.data, email, tenantId, role };
}

/** As addresses of users are written; null for what is none. */
export function emailOf(value: unknown): string | null {
  const parsed = emailText.safeParse(typeof value === 'string' ? value.trim().toLowerCase() : value);
  return parsed.success ? parsed.data : null;
}

function tenantOf({ tenants }: ExternalIssuer, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (tenants) return Object.hasOwn(tenants, value) ? tenants[value] : undefined;
  return z.uuid().safeParse(value).data?.toLowerCase();
}

/** The highest of those that are named and known. */
function roleOf(settings: ExternalIssuer, value: unknown): Role | undefined {
  const { roles: words } = settings;
  const named = (Array.isArray(value) ? (value as unknown[]) : [value]).filter((one) => typeof one === 'string');
  const known = named.flatMap((word) => {
    if (words) return Object.hasOwn(words, word) ? (words[word] ?? []) : [];
    return roles.filter((role) => role === word);
  });
  return known.sort((a, b) => (atLeast(a, b) ? -1 : 1))[0];
}

/** A claim by its whole name, or by a dotted path into nested ones. */
export function valueAt(claims: unknown, path: string): unknown {
  if (isRecord(claims) && Object.hasOwn(claims, path)) return claims[path];
  let node = claims;
  for (const key of path.split('.')) node = isRecord(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  return node;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
