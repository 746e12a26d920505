import type { Olympus } from './client-types.ts';
import type { Notification, NotificationEvent } from './contracts.ts';
import { errorFrom } from './errors-from.ts';
import type { OlympusError } from './failure.ts';
import { memoryInbox, type InboxStore } from './inbox-store.ts';
import { delayAfter, isTransient } from './retry.ts';

export interface InboxOptions {
  /** Remembers what was shown. Default: memory. `storedInbox(localStorage)` does across visits. */
  store?: InboxStore | undefined;
  /** A notification to be shown: each once, in order, whichever way it came. */
  onNotification?: ((notification: Notification) => void) | undefined;
  /** The notifications, what of them is read, or how many are not read are others now. */
  onChange?: (() => void) | undefined;
  /** The inbox has ended, as with the session; make another one. */
  onError?: ((error: OlympusError) => void) | undefined;
}

/** The notifications of whoever is signed in, the same on all their devices. */
export interface Inbox {
  /** The newest first, as far as they were loaded. */
  notifications(): readonly Notification[];
  /** How many are not read, of those too that were not loaded. */
  unread(): number;
  /** Loads older ones; false once there are none. */
  more(): Promise<boolean>;
  markRead(...ids: string[]): Promise<void>;
  /** All that have come so far; not what comes meanwhile. */
  markAllRead(): Promise<void>;
  /** Follows no more. */
  close(): void;
}

type Api = Pick<Olympus, 'notifications' | '$session'>;

const pageSize = 100;
/** What has come in a longer absence is listed, and only so many of it are shown one by one. */
const mostShown = 500;

/**
 * Follows the notifications of who is signed in. A live event, a list after an absence, and an event that is told again after
 * a cut are one notification: its sequence says whether it was shown.
 * @example
 * const inbox = createInbox(api, { store: storedInbox(localStorage), onNotification: pop, onChange: draw });
 */
export function createInbox(api: Api, options: InboxOptions = {}): Inbox {
  const { store = memoryInbox(), onNotification, onChange, onError } = options;
  const bySequence = new Map<number, Notification>();
  let unread = 0;
  /** What was read by sequence, for those that are loaded later. */
  let readThrough = 0;
  let cursor: string | null | undefined;
  let shownThrough: number | null = null;
  let userId = '';
  let closed = false;
  let queue: Promise<unknown> = begin();
  // Told by whatever waits for it.
  queue.catch(() => {});
  const subscription = api.notifications.updates.subscribe(
    {},
    {
      onData: ({ data }) => void enqueue(() => apply(data)),
      onError: (cause) => end(errorFrom(cause)),
      onComplete: () => (closed = true),
    },
  );

  async function begin(): Promise<void> {
    userId = (await api.$session())?.user.id ?? '';
    const mark = await store.get();
    if (mark?.userId === userId) ({ shownThrough } = mark);
  }

  /** One after the other, so that a list and what happens while it is on its way do not overtake each other. */
  function enqueue<T>(work: () => Promise<T>): Promise<T | undefined> {
    const done = queue.then(() => (closed ? undefined : work()));
    queue = done.catch((cause: unknown) => end(errorFrom(cause)));
    return done;
  }

  async function apply(event: NotificationEvent): Promise<void> {
    if (event.type === 'started' || event.type === 'reset') await catchUp();
    else if (event.type === 'notification.created') {
      take([event.notification]);
      await show([event.notification]);
    } else if (event.type === 'notifications.read') {
      readThrough = Math.max(readThrough, event.readThrough ?? 0);
      markLocally(({ id, sequence }) => sequence <= readThrough || event.ids.includes(id));
    }
    if ('unread' in event) unread = event.unread;
    onChange?.();
  }

  /** Reads the list back to what was shown, and shows what is newer. */
  async function catchUp(): Promise<void> {
    const fresh: Notification[] = [];
    for (let next: string | null | undefined; next !== null && fresh.length < mostShown;) {
      const page = await listed(next);
      take(page.items);
      // Where it is the first time, nothing of it is news.
      shownThrough ??= page.items[0]?.sequence ?? 0;
      const { length } = page.items.filter(({ sequence }) => sequence > (shownThrough ?? 0));
      fresh.push(...page.items.slice(0, length));
      next = length < page.items.length ? null : page.nextCursor;
      cursor = page.nextCursor;
    }
    await show(fresh.toReversed());
  }

  async function listed(from: string | null | undefined) {
    for (let failures = 0; ; failures++) {
      try {
        return await api.notifications.list.query({ limit: pageSize, ...(from ? { cursor: from } : {}) });
      } catch (cause) {
        const error = errorFrom(cause);
        if (closed || !isTransient(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, delayAfter(error, failures)));
      }
    }
  }

  function take(notifications: readonly Notification[]): void {
    for (const one of notifications) {
      const known = bySequence.get(one.sequence);
      const readAt = known?.readAt ?? one.readAt ?? (one.sequence <= readThrough ? new Date() : null);
      bySequence.set(one.sequence, { ...one, readAt });
    }
  }

  async function show(notifications: readonly Notification[]): Promise<void> {
    for (const one of notifications) {
      if (one.sequence <= (shownThrough ?? 0)) continue;
      shownThrough = one.sequence;
      onNotification?.(bySequence.get(one.sequence) ?? one);
    }
    await store.set({ userId, shownThrough: shownThrough ?? 0 });
  }

  function markLocally(isRead: (notification: Notification) => boolean): void {
    const readAt = new Date();
    for (const [sequence, one] of bySequence)
      if (!one.readAt && isRead(one)) bySequence.set(sequence, { ...one, readAt });
  }

  function end(error: OlympusError): void {
    if (closed) return;
    close();
    onError?.(error);
  }
  function close(): void {
    closed = true;
    subscription.unsubscribe();
  }

  return {
    notifications: () => [...bySequence.values()].toSorted((a, b) => b.sequence - a.sequence),
    unread: () => unread,
    async more() {
      const loaded = await enqueue(async () => {
        if (cursor === null) return false;
        const page = await listed(cursor);
        take(page.items);
        cursor = page.nextCursor;
        onChange?.();
        return page.items.length > 0;
      });
      return loaded ?? false;
    },
    async markRead(...ids) {
      if (ids.length === 0) return;
      await api.notifications.markRead.mutate({ ids });
      markLocally(({ id }) => ids.includes(id));
      onChange?.();
    },
    async markAllRead() {
      const last = Math.max(...bySequence.keys(), 0);
      await api.notifications.markAllRead.mutate({ readThrough: last });
      markLocally(({ sequence }) => sequence <= last);
      onChange?.();
    },
    close,
  };
}
