import type { Session } from '../harness.ts';
import { rest } from '../harness.ts';
import { type Served } from '../processes.ts';
import { percentile } from './measure.ts';

/** Milliseconds of the dashboard over all the data: warm from the cache, cold with a range that nobody asked for before. */
export async function timeDashboard(server: Served, owner: Session): Promise<{ warm: number; cold: number }> {
  const token = owner.accessToken;
  const time = async (days: number) => {
    const start = performance.now();
    const { status, body } = await rest<{ errors: unknown[] }>(server.url, {
      path: `/analytics/dashboard?days=${days}`,
      token,
    });
    if (status !== 200 || body.errors.length)
      throw new Error(`the dashboard answered ${status} ${JSON.stringify(body)}`);
    return performance.now() - start;
  };
  const cold: number[] = [];
  for (let i = 0; i < 50; i++) cold.push(await time(20_000 + i));
  const warm: number[] = [];
  for (let i = 0; i < 200; i++) warm.push(await time(20_000));
  return { warm: percentile(warm, 0.99), cold: percentile(cold, 0.99) };
}
