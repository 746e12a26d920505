import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Health {
  readonly calls: number;
  readonly failed: number;
  /** Why calls failed, each reason once. */
  readonly reasons: readonly string[];
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** An address of this machine that no attack comes from. */
const elsewhere = '127.0.0.2';
const patienceMs = 5000;

/** Somebody elsewhere who means well and opens a connection for each call, until told to stop. */
export function healthyClient(url: string, token: string): { stop(): Promise<Health> } {
  const times: number[] = [];
  const reasons = new Set<string>();
  let failed = 0;
  let going = true;
  /** What went wrong, or nothing. */
  const call = () =>
    new Promise<string | undefined>((done) => {
      const asked = request(
        `${url}/api/v1/products?limit=5`,
        {
          agent: false,
          localAddress: elsewhere,
          headers: { authorization: `Bearer ${token}` },
          // Of the whole call, where `timeout` is one of silence.
          signal: AbortSignal.timeout(patienceMs),
        },
        (response) =>
          response
            .resume()
            .once('error', (error) => done(error.message))
            .once('end', () => done(response.statusCode === 200 ? undefined : String(response.statusCode))),
      );
      asked.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      asked.end();
    });
  const running = (async () => {
    while (going) {
      const start = performance.now();
      const reason = await call();
      if (reason === undefined) times.push(performance.now() - start);
      else {
        failed++;
        reasons.add(reason);
      }
      await sleep(20);
    }
  })();
  return {
    async stop() {
      going = false;
      await running;
      times.sort((a, b) => a - b);
      const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
      return { calls: times.length + failed, failed, reasons: [...reasons], p50: at(0.5), p99: at(0.99) };
    },
  };
}

export const healthOf = ({ calls, failed, reasons, p50, p99 }: Health): string =>
  `others p50 ${p50} ms, p99 ${p99} ms, ${failed} of ${calls} failed${failed > 0 ? ` (${reasons.join(', ')})` : ''}`;
