import type { PresenceEvent, PresenceStatus } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import { createBus, type RedisChannels } from '../../../events/bus.ts';
import { createPause } from '../../../events/pause.ts';
import { createTrouble, type EventsLog } from '../../../events/trouble.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Ids } from '../../../platform/ids.ts';
import { membersAmong } from '../repository.ts';
import { Devices } from './devices.ts';
import { createLink } from './link.ts';
import type { Typing } from './messages.ts';
import { Roster, type Change } from './roster.ts';
import { Watcher } from './watcher.ts';

export interface PresenceOptions {
  readonly database: Database;
  readonly redis: RedisChannels | null;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  /** How often a process renews what it tells, in milliseconds. Default: 2,000. */
  readonly renewMs?: number;
  /** For which what a process tells holds, in milliseconds: so long after a crash its users are shown. Default: 6,000. */
  readonly leaseMs?: number;
}

/** Who is connected to any process of the installation, and who is typing. Held in memory: it is true only now. */
export interface Presence {
  start(): void;
  stop(): Promise<void>;
  /** The state first, then what changes; the user is there with this device until it ends. Null: they only look. */
  follow(
    who: { tenantId: string; userId: string },
    status: PresenceStatus | null,
  ): { events: AsyncGenerator<PresenceEvent, void, undefined>; end: () => void };
  /** Tells everybody who is a member of the channel by then, in whichever process. */
  readonly signal: (typing: Typing) => void;
}

export function createPresence(options: PresenceOptions): Presence {
  const { database, redis, clock, ids, log, renewMs = 2000, leaseMs = 6000 } = options;
  const origin = ids.secret(9);
  const watchers = new Map<string, Set<Watcher>>();
  const delivering = new Map<string, Promise<unknown>>();
  const devices = new Devices();
  const roster = new Roster(announce);
  const pause = createPause();
  const trouble = createTrouble(log, 'telling of who is typing');
  const bus = createBus({ database, redis, channel: 'olympus_presence' });
  const link = bus && createLink({ bus, origin, log, onUsers, onTyping: deliver, all: () => devices.all() });
  let renewing: Promise<void> | null = null;

  const now = () => clock.now().getTime();

  function announce({ tenantId, userId, status }: Change): void {
    for (const watcher of watchers.get(tenantId) ?? []) watcher.push({ type: 'presence.changed', userId, status });
  }

  function onUsers(from: string, users: Parameters<typeof roster.put>[1][]): void {
    for (const told of users) roster.put(from, told, now() + leaseMs);
  }

  function count(device: { tenantId: string; userId: string; status: PresenceStatus }, by: 1 | -1): void {
    const told = devices.count(device, by);
    if (!told) return;
    // What is connected here is known here, and needs no renewal.
    roster.put(origin, told, Infinity);
    link?.tell([told]);
  }

  /** One signal of a channel after the other, so that an end is never overtaken. */
  function deliver(typing: Typing): void {
    const key = `${typing.tenantId} ${typing.channelId}`;
    const told: Promise<unknown> = (delivering.get(key) ?? Promise.resolve())
      .then(() => tell(typing))
      .finally(() => delivering.get(key) === told && delivering.delete(key));
    delivering.set(key, told);
  }

  async function tell({ tenantId, channelId, userId, until }: Typing): Promise<void> {
    const readers = [...(watchers.get(tenantId) ?? [])].filter((watcher) => watcher.userId !== userId);
    if (readers.length === 0) return;
    const ids = [...new Set(readers.map((reader) => reader.userId))];
    try {
      const members = await membersAmong(database.tenant(tenantId), channelId, ids);
      trouble.over();
      const event: PresenceEvent = {
        type: 'typing',
        channelId,
        userId,
        until: until === null ? null : new Date(until),
      };
      for (const reader of readers) if (members.has(reader.userId)) reader.push(event);
    } catch (error) {
      trouble.met(error);
    }
  }

  async function renew(): Promise<void> {
    while (!pause.ended) {
      link?.tell(devices.all());
      await pause.unwoken(renewMs / 2);
      roster.expire(now());
      await pause.unwoken(renewMs / 2);
      roster.expire(now());
    }
  }

  return {
    start() {
      link?.start();
      renewing ??= renew();
    },
    async stop() {
      pause.end();
      for (const all of watchers.values()) for (const watcher of all) watcher.end();
      for (const told of devices.all()) link?.tell([{ ...told, status: null }]);
      await renewing;
      await link?.stop();
    },
    follow({ tenantId, userId }, status) {
      const watcher = new Watcher(userId, () => ({ type: 'presence.state', users: roster.users(tenantId) }));
      const all = watchers.get(tenantId) ?? new Set();
      watchers.set(tenantId, all.add(watcher));
      if (status) count({ tenantId, userId, status }, 1);
      if (pause.ended) watcher.end();
      const end = () => {
        if (!all.delete(watcher)) return;
        if (all.size === 0 && watchers.get(tenantId) === all) watchers.delete(tenantId);
        watcher.end();
        if (status) count({ tenantId, userId, status }, -1);
      };
      return { events: watcher.events(), end };
    },
    signal(typing) {
      deliver(typing);
      link?.signal(typing);
    },
  };
}
