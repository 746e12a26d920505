import type { AuditEvent, contracts, Tracked } from '@olympus/contracts';
import type { Sealer } from '../../audit/sealer.ts';
import { decodeEventId, encodeEventId } from '../../events/event-id.ts';
import { createExpiry, following } from '../../events/following.ts';
import { patiently } from '../../events/subscription.ts';
import type { Context } from '../../kernel/context.ts';
import { Failure } from '../../kernel/failure.ts';
import type { Handler } from '../../kernel/implement.ts';
import { readAfter, type Filters, type Link } from './repository.ts';

type Item = Tracked<AuditEvent>;
type Followed = Pick<Sealer, 'settled' | 'changed' | 'ended'>;

/**
 * Follows the sealed chain itself, whose sequences have no gaps. An id names an entry by its sequence and its hash, so
 * that one of a chain which was cut, replaced or put back from a backup is told from the one that was read.
 */
export const auditUpdates =
  (sealer: Followed): Handler<typeof contracts.audit.updates> =>
  async ({ input: { lastEventId, ...filters }, ctx }) => {
    const { db, principal, clock, signal } = ctx;
    const ending = new AbortController();
    const expiry = createExpiry(principal.expiresAt, clock, () => ending.abort());
    const end = () => {
      expiry.clear();
      signal.removeEventListener('abort', end);
      ending.abort();
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();

    const begin = async (): Promise<{ at: Link; first: Item | null }> => {
      const at = lastEventId ? linkOf(lastEventId) : null;
      if (at) return { at, first: null };
      // What was done before the stream began is not told by it.
      if (!lastEventId) await sealer.settled(db);
      const { head } = await readAfter(db, filters, null);
      const marker = lastEventId ? reset('The last event id is not one of ours') : ({ type: 'started' } as const);
      return { at: head, first: { id: idOf(head), data: marker } };
    };
    const begun = begin().catch((error: unknown) => {
      end();
      throw error;
    });
    const started = begun.then(({ at }) => idOf(at));
    await started;

    async function* follow(): AsyncGenerator<Item, void, undefined> {
      try {
        const { at, first } = await begun;
        if (first) yield first;
        for await (const item of itemsAfter(ctx, { at, filters, sealer, signal: ending.signal })) {
          if (expiry.passed()) break;
          yield item;
        }
        if (expiry.passed()) throw new Failure('UNAUTHENTICATED', null);
      } finally {
        end();
      }
    }
    return following(follow(), { started, end });
  };

interface Following {
  readonly at: Link;
  readonly filters: Filters;
  readonly sealer: Followed;
  readonly signal: AbortSignal;
}

async function* itemsAfter(
  { db }: Pick<Context, 'db'>,
  { at: beginning, filters, sealer, signal }: Following,
): AsyncGenerator<Item> {
  let at = beginning;
  const stream = {
    get ended() {
      return signal.aborted || sealer.ended;
    },
  };
  while (!stream.ended) {
    const page = await patiently(stream, () => readAfter(db, filters, at));
    if (!page) return;
    if (page.gap !== null) {
      at = page.head;
      yield { id: idOf(at), data: reset(page.gap) };
      continue;
    }
    for (const entry of page.entries) {
      yield { id: idOf(entry), data: { type: 'audit.entry', entry } };
      if (stream.ended) return;
    }
    at = page.next;
    if (at.sequence === page.head.sequence) await sealer.changed(db.tenantId, at.sequence, signal);
  }
}

const reset = (reason: string): AuditEvent => ({ type: 'reset', reason });

/** As much of the hash as makes the id that of one chain. */
const hashDigits = 32;
const idOf = ({ sequence, hash }: Link): string =>
  encodeEventId({ epoch: hash.slice(0, hashDigits), position: sequence });

function linkOf(id: string): Link | null {
  const place = decodeEventId(id);
  return place?.epoch.length === hashDigits ? { sequence: place.position, hash: place.epoch } : null;
}
