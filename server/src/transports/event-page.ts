import { issue } from './input-issue.ts';

/** What a page takes at most; more waits for the next one. */
const pageItems = 100;
/** For which a page waits for more, once something has come: events often come together. */
const lingerMs = 30;

/** What is there already is looked up first. */
const leastMs = 200;
/** Seconds. Proxies give up answers that take longer than half a minute or a minute. */
const defaultWait = 25;
const longestWait = 30;

export interface PageOptions {
  readonly tracked: boolean;
  /** The id from which the stream goes on. */
  readonly after: string | null;
  readonly waitMs: number;
  /** Calls back when the page is to be closed with what there is; returns what stops that. */
  readonly onClosing: (close: () => void) => () => void;
}

/** What a poll of a stream is answered with. */
export interface EventPage {
  readonly items: readonly unknown[];
  /** From which the next poll goes on; null where the items carry no ids. */
  readonly lastEventId: string | null;
}

/**
 * What a stream has to tell now, or as soon as it has something, within `waitMs`. Some streams begin with what is known
 * already, under the id that was given or under none: that is told with the page, and does not end the wait. Ends the stream.
 */
export async function eventPage(items: AsyncIterable<unknown>, options: PageOptions): Promise<EventPage> {
  const { tracked, after, waitMs, onClosing } = options;
  const iterator = items[Symbol.asyncIterator]();
  const taken: unknown[] = [];
  let close = (): void => undefined;
  const closed = new Promise<null>((resolve) => {
    close = () => resolve(null);
  });
  let timer = setTimeout(close, Math.max(waitMs, leastMs));
  const unlisten = onClosing(close);
  const onNews = () => {
    clearTimeout(timer);
    timer = setTimeout(close, lingerMs);
  };
  try {
    let news = false;
    while (taken.length < pageItems) {
      const next = iterator.next();
      const item = await Promise.race([next, closed]);
      // What comes too late for this page is read again from its id.
      if (item === null) next.catch(() => undefined);
      if (!item || item.done) break;
      taken.push(item.value);
      const isNews = tracked && (item.value as { id: string }).id !== after;
      if (isNews && !news) onNews();
      news ||= isNews;
    }
  } catch (cause) {
    // What came before it is told first; the next poll meets the fault again.
    if (taken.length === 0) throw cause;
  } finally {
    clearTimeout(timer);
    unlisten();
    void iterator.return?.().catch(() => undefined);
  }
  const last = tracked ? ((taken.at(-1) as { id: string } | undefined)?.id ?? after) : null;
  return { items: taken, lastEventId: last };
}

/** The wait that `Prefer: wait=10` asks for (RFC 7240), in milliseconds. */
export function waitMsOf(prefer: string | string[] | undefined): number {
  const [, text] = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(String(prefer ?? '')) ?? [];
  if (text === undefined) return defaultWait * 1000;
  if (!/^\d{1,2}$/.test(text) || Number(text) > longestWait)
    throw issue('Prefer', `must have a wait of 0 to ${longestWait} seconds`, 'invalid_value');
  return Number(text) * 1000;
}
