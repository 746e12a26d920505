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
    // The driver keeps trying what has failed once, and delivers until an unlisten has gone through.
    let wanted = true;
    const whileWanted =
      <A extends unknown[]>(call: ((...args: A) => void) | undefined) =>
      (...args: A) => {
        if (wanted) call?.(...args);
      };
    const subscribing = this.client.listen(channel, whileWanted(onPayload), whileWanted(onListening));
    const subscription = await subscribing.catch((error: unknown) => {
      wanted = false;
      throw error;
    });
    return async () => {
      wanted = false;
      // On a broken connection there is nothing to end, and the driver would wait for the next one.
      await Promise.race([subscription.unlisten().catch(() => {}), sleep(1000, undefined, { ref: false })]);
    };
  }

  async close(): Promise<void> {
    await this.client?.end({ timeout: 1 }).catch(() => {});
  }
}
