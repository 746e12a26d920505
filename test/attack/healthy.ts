import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Health {
  readonly calls: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Somebody who means well and opens a connection for each call, until told to stop. */
export function healthyClient(url: string, token: string): { stop(): Promise<Health> } {
  const times: number[] = [];
  let failed = 0;
  let going = true;
  const call = () =>
    new Promise<boolean>((done) => {
      const asked = request(
        `${url}/api/v1/products?limit=5`,
        { agent: false, headers: { authorization: `Bearer ${token}` }, timeout: 5000 },
        (response) => response.resume().once('end', () => done(response.statusCode === 200)),
      );
      asked.once('timeout', () => asked.destroy());
      asked.once('error', () => done(false));
      asked.end();
    });
  const running = (async () => {
    while (going) {
      const start = performance.now();
      if (await call()) times.push(performance.now() - start);
      else failed++;
      await sleep(20);
    }
  })();
  return {
    async stop() {
      going = false;
      await running;
      times.sort((a, b) => a - b);
      const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
      return { calls: times.length + failed, failed, p50: at(0.5), p99: at(0.99) };
    },
  };
}
