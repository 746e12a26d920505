import type { Database } from '@olympus/database';
import { setMaxListeners } from 'node:events';
import { createPause } from '../../events/pause.ts';
import { createTrouble, type EventsLog } from '../../events/trouble.ts';
import type { Clock } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Outbound } from '../../platform/outbound.ts';
import type { Secrets } from '../../platform/secrets.ts';
import { claim, note, type Claimed } from './queue.ts';
import { askedWait, timeoutMs, waitAfter } from './schedule.ts';
import { openSecret, signatureOf } from './signing.ts';

/** Posts what is due. Every process may run one: a delivery is taken by one of them. */
export interface Sender {
  start(): void;
  /** Says that something is due. Without it that is found within a second. */
  readonly wake: () => void;
  /** Begins nothing further; resolves when what runs has ended, or was broken off after five seconds. */
  stop(): Promise<void>;
}

export interface SenderOptions {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: EventsLog;
  readonly random?: () => number;
  /** Of one attempt. Default 15,000. */
  readonly attemptMs?: number;
}

const pollMs = 1000;
const restMs = 20;
const atOnce = 32;
const perEndpoint = 4;
const graceMs = 5000;

export function createSender(options: SenderOptions): Sender {
  const { database, clock, ids, log, random = Math.random } = options;
  const pause = createPause();
  const trouble = createTrouble(log, 'the sending of webhooks');
  const running = new Map<Promise<void>, string>();
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  let loop: Promise<void> | null = null;

  async function attempt(delivery: Claimed): Promise<void> {
    const at = clock.now();
    const since = performance.now();
    const { retryAfter, ...answer } = await post(options, { delivery, at, signal: ending.signal });
    // Broken off by the end of this process: another one takes it up when the claim has run out.
    if (answer.status === null && ending.signal.aborted) return;
    const delivered = answer.status !== null && answer.status >= 200 && answer.status < 300;
    const now = clock.now();
    const wait = delivered || answer.status === 410 ? null : waitAfter(delivery.attemptCount, random);
    const asked = askedWait({ status: answer.status ?? 0, retryAfter }, now);
    const nextAttemptAt = wait === null ? null : new Date(now.getTime() + Math.max(wait, asked));
    const milliseconds = Math.round(performance.now() - since);
    const reason = await note(database, ids, { delivery, at, ...answer, milliseconds, delivered, nextAttemptAt, now });
    const { tenantId, endpointId } = delivery;
    if (reason) log.warn({ tenantId, webhookId: endpointId, reason }, 'an endpoint of webhooks was switched off');
  }

  function begin(delivery: Claimed): void {
    const work: Promise<void> = attempt(delivery)
      .catch(trouble.met)
      .finally(() => {
        running.delete(work);
        pause.wake();
      });
    running.set(work, delivery.endpointId);
  }

  async function look(): Promise<void> {
    const underWay = new Map<string, number>();
    for (const endpointId of running.values()) underWay.set(endpointId, (underWay.get(endpointId) ?? 0) + 1);
    const limit = atOnce - running.size;
    if (limit <= 0) return;
    const claimed = await claim(database, { now: clock.now(), limit, perEndpoint, underWay });
    for (const delivery of claimed) begin(delivery);
    if (claimed.length > 0) pause.wake();
  }

  async function run(): Promise<void> {
    while (!pause.ended) {
      try {
        await look();
        trouble.over();
      } catch (error) {
        trouble.met(error);
      }
      await pause.unwoken(restMs);
      await pause.until(pollMs * (0.8 + random() * 0.4));
    }
  }

  return {
    start() {
      loop ??= run();
    },
    wake: pause.wake,
    async stop() {
      pause.end();
      await loop;
      const giveUp = setTimeout(() => ending.abort(), graceMs);
      await Promise.all(running.keys());
      clearTimeout(giveUp);
    },
  };
}

interface Posting {
  readonly delivery: Claimed;
  readonly at: Date;
  readonly signal: AbortSignal;
}

async function post(
  { secrets, outbound, attemptMs = timeoutMs }: SenderOptions,
  { delivery, at, signal }: Posting,
): Promise<{ status: number | null; error: string | null; retryAfter: string | null }> {
  const { tenantId, endpointId, messageId: id, type, occurredAt, payload, previousUntil } = delivery;
  const body = JSON.stringify({ type, timestamp: occurredAt, data: payload });
  const timestamp = Math.floor(at.getTime() / 1000);
  const previous = previousUntil && previousUntil > at ? delivery.previousSecret : null;
  try {
    const keys = [delivery.secret, ...(previous === null ? [] : [previous])].map((sealed) =>
      openSecret(secrets, sealed, { tenantId, endpointId }),
    );
    const { status, retryAfter } = await outbound.post({
      url: delivery.url,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Olympus-Webhooks/1',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf({ id, timestamp, body }, keys),
      },
      body,
      timeoutMs: attemptMs,
      signal,
    });
    return { status, error: status >= 200 && status < 300 ? null : `answered ${status}`, retryAfter };
  } catch (error) {
    return { status: null, error: errorText(error), retryAfter: null };
  }
}
