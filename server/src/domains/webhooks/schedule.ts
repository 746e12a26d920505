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
