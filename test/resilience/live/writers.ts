import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../../harness.ts';

/** Places orders whose notes are their names, each until it is acknowledged. */
export interface Writer {
  /** Names of the orders that were acknowledged, in order. */
  readonly acknowledged: string[];
  /** What was answered beside success and passing trouble. */
  readonly refused: string[];
  /** Ends when the order that is being placed is acknowledged. */
  stop(): Promise<void>;
}

export function startWriter(
  url: string,
  about: { session: Session; productId: string; name: string; everyMs: number },
): Writer {
  const { session, productId, name, everyMs } = about;
  let stopped = false;
  const writer = { acknowledged: [] as string[], refused: [] as string[] };

  /** Whether it was acknowledged; the key makes one order of however many attempts. */
  async function place(notes: string): Promise<boolean> {
    const response = await fetch(`${url}/api/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': notes,
        authorization: `Bearer ${session.accessToken}`,
      },
      body: JSON.stringify({ notes, items: [{ productId, quantity: 1 }] }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (response.status === 201) return true;
    const passing = response.status >= 500 || response.status === 429 || text.includes('IDEMPOTENCY');
    if (!passing) writer.refused.push(`${response.status} ${text}`);
    return false;
  }

  const running = (async () => {
    for (let number = 0; !stopped; number++) {
      const notes = `${name}-${number}`;
      while (!(await place(notes).catch(() => false))) await sleep(50 + Math.random() * 200);
      writer.acknowledged.push(notes);
      await sleep(everyMs * (0.5 + Math.random()));
    }
  })();
  return {
    ...writer,
    async stop() {
      stopped = true;
      await running;
    },
  };
}
