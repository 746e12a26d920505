const [second, minute, hour] = [1000, 60_000, 3_600_000];

/** Waits before the second and each further attempt: a little over three days together. */
const waits = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 17 * hour, 24 * hour];

/** So long are deliveries shown and may be sent again. */
export const keptMs = 30 * 24 * hour;
/** An endpoint that has only failed for so long is switched off. */
export const patienceMs = 72 * hour;
export const timeoutMs = 15 * second;
/** An attempt that nobody has told the end of by then died with its process. */
export const claimMs = minute;

/** Milliseconds until the attempt after this many; null: no other. Up to a tenth longer, by chance. */
export function waitAfter(attempts: number, random: () => number): number | null {
  const wait = waits[attempts - 1];
  return wait === undefined ? null : Math.round(wait * (1 + random() / 10));
}

/** The longest that an endpoint may ask us to wait. */
const maxAskedMs = 24 * hour;

/** Milliseconds that an answer of 429 or 503 asks to wait by `Retry-After` (RFC 9110 §10.2.3), at most a day; 0: it does not. */
export function askedWait({ status, retryAfter }: { status: number; retryAfter: string | null }, now: Date): number {
  const text = retryAfter?.trim() ?? '';
  if ((status !== 429 && status !== 503) || text === '') return 0;
  const asked = /^\d+$/.test(text) ? Number(text) * second : Date.parse(text) - now.getTime();
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), maxAskedMs);
}
