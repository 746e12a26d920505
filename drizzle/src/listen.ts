import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';

/** Subscriptions over one connection of their own, renewed by the driver whenever it breaks. */
export class Listener {
  private readonly create: () => postgres.Sql;
  private client: postgres.Sql | undefined;

  constructor(create: () => postgres.Sql) {
    this.create = create;
  }

  async listen(
    channel: string,
    onPayload: (payload: string) => void,
    onListening?: () => void,
  ): Promise<() => Promise<void>> {
    this.client ??= this.create();
    const subscription = await this.client.listen(channel, onPayload, onListening);
    return async () => {
      // On a broken connection there is nothing to end, and the driver would wait for the next one.
      await Promise.race([subscription.unlisten().catch(() => {}), sleep(1000, undefined, { ref: false })]);
    };
  }

  async close(): Promise<void> {
    await this.client?.end({ timeout: 1 }).catch(() => {});
  }
}
