import { isUnavailable, openDatabase } from '@olympus/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { compose, type App, type Extras } from './compose.ts';
import type { Config } from './config.ts';
import { createLifecycle } from './platform/lifecycle.ts';
import { createLogger } from './platform/logger.ts';

export type { App, Extras } from './compose.ts';

/** How often a start is made whose database was there and was lost before it was over. */
const startsAtMost = 5;
const restartMs = 500;

/** A server as configured, which listens. */
export async function startApp(config: Config, { log: given, ...extras }: Extras = {}): Promise<App> {
  const log = given ?? createLogger({ level: config.logLevel });
  for (let attempt = 1; ; attempt++) {
    const lifecycle = createLifecycle({ drainSeconds: config.drainSeconds, log });
    let wasThere = false;
    try {
      const database = await openDatabase({ ...config.database, log });
      wasThere = true;
      lifecycle.onStop('database', () => database.close());
      return await compose({ config, log, lifecycle, extras, database });
    } catch (error) {
      // What was opened before the fault must not keep the process alive.
      await lifecycle.stop();
      if (!wasThere || !isUnavailable(error) || attempt === startsAtMost) throw error;
      log.warn({ err: error, attempt }, 'the database was lost during the start, which is made again');
      await sleep(restartMs * attempt);
    }
  }
}
