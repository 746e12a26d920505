/** What a subscriber was given: an event by its name, or word that it has missed some. */
export type Received = { readonly event: string } | { readonly reset: string };

export interface Fault {
  readonly kind: 'gap' | 'duplicate' | 'reordering' | 'unknown';
  /** Index in the history; its length for what never came. */
  readonly at: number;
  /** The event that was missed, or came wrongly. */
  readonly event: string;
}

/**
 * Compares what a subscriber was given with the log, both in order, the subscriber's first event being the log's first.
 * A reset forgives what was missed before the next event, and nothing else.
 */
export function faultsOf(log: readonly string[], history: readonly Received[]): Fault[] {
  const placeOf = new Map(log.map((event, place) => [event, place]));
  const seen = new Set<string>();
  const faults: Fault[] = [];
  let next = 0;
  let forgiven = false;
  for (const [at, received] of history.entries()) {
    if ('reset' in received) {
      forgiven = true;
      continue;
    }
    const { event } = received;
    const place = placeOf.get(event);
    if (place === undefined) faults.push({ kind: 'unknown', at, event });
    else if (place < next) faults.push({ kind: seen.has(event) ? 'duplicate' : 'reordering', at, event });
    else {
      if (!forgiven) for (const missed of log.slice(next, place)) faults.push({ kind: 'gap', at, event: missed });
      next = place + 1;
      forgiven = false;
    }
    seen.add(event);
  }
  if (!forgiven) for (const missed of log.slice(next)) faults.push({ kind: 'gap', at: history.length, event: missed });
  return faults;
}
