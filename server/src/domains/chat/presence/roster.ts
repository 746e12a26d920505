import type { PresenceStatus } from '@olympus/contracts';

/** What a user is to everybody else. */
export type Shown = PresenceStatus | 'offline';
export interface Change {
  readonly tenantId: string;
  readonly userId: string;
  readonly status: Shown;
}
/** What one process tells of a user: null when none of their devices is connected to it any more. */
export interface Told {
  readonly tenantId: string;
  readonly userId: string;
  readonly status: PresenceStatus | null;
}
interface Lease {
  readonly status: PresenceStatus;
  /** Milliseconds since the epoch. */
  readonly until: number;
}
type Users = Map<string, Map<string, Lease>>;

/** Who is there, as processes tell it: what a process no longer renews goes when its lease ends. */
export class Roster {
  readonly #tenants = new Map<string, Users>();
  readonly #onChange: (change: Change) => void;

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange;
  }

  /** Takes what the process `origin` tells of a user; it holds until `until`. */
  put(origin: string, { tenantId, userId, status }: Told, until: number): void {
    this.#change(tenantId, userId, (leases) => {
      if (status === null) leases.delete(origin);
      else leases.set(origin, { status, until });
    });
  }

  /** Ends the leases that nobody has renewed. */
  expire(now: number): void {
    for (const [tenantId, users] of this.#tenants)
      for (const [userId, leases] of users)
        if ([...leases.values()].some(({ until }) => until <= now))
          this.#change(tenantId, userId, () => {
            for (const [origin, { until }] of leases) if (until <= now) leases.delete(origin);
          });
  }

  users(tenantId: string): { userId: string; status: PresenceStatus }[] {
    return [...(this.#tenants.get(tenantId) ?? [])].flatMap(([userId, leases]) => {
      const status = shown(leases);
      return status === 'offline' ? [] : [{ userId, status }];
    });
  }

  #change(tenantId: string, userId: string, change: (leases: Map<string, Lease>) => void): void {
    const users: Users = this.#tenants.get(tenantId) ?? new Map<string, Map<string, Lease>>();
    const leases = users.get(userId) ?? new Map<string, Lease>();
    const before = shown(leases);
    change(leases);
    if (leases.size > 0) this.#tenants.set(tenantId, users.set(userId, leases));
    else if (users.delete(userId) && users.size === 0) this.#tenants.delete(tenantId);
    const status = shown(leases);
    if (status !== before) this.#onChange({ tenantId, userId, status });
  }
}

function shown(leases: ReadonlyMap<string, Lease>): Shown {
  const all = [...leases.values()];
  return all.length === 0 ? 'offline' : all.some(({ status }) => status === 'online') ? 'online' : 'away';
}
