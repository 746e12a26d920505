import type { PresenceStatus } from '@olympus/contracts';
import type { Told } from './roster.ts';

interface User {
  readonly tenantId: string;
  readonly userId: string;
  readonly devices: Record<PresenceStatus, number>;
}

/** The devices that are connected to this process. */
export class Devices {
  readonly #users = new Map<string, User>();

  /** Counts a device in, or out with -1. What others are to be told then; null when nothing has changed. */
  count(device: { tenantId: string; userId: string; status: PresenceStatus }, by: 1 | -1): Told | null {
    const { tenantId, userId } = device;
    const key = `${tenantId} ${userId}`;
    const user = this.#users.get(key) ?? { tenantId, userId, devices: { online: 0, away: 0 } };
    const before = told(user).status;
    user.devices[device.status] += by;
    const now = told(user);
    if (now.status === null) this.#users.delete(key);
    else this.#users.set(key, user);
    return now.status === before ? null : now;
  }

  all(): Told[] {
    return [...this.#users.values()].map(told);
  }
}

const told = ({ tenantId, userId, devices }: User): Told => ({
  tenantId,
  userId,
  status: devices.online > 0 ? 'online' : devices.away > 0 ? 'away' : null,
});
