import type { Database } from '@olympus/database';
import type { Logger } from 'pino';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Call, Caller, Context, Transaction, Upload } from './context.ts';
import { Failure } from './failure.ts';
import type { QueryCache } from './steps/cache.ts';

interface Dependencies {
  readonly database: Database;
  readonly cache: QueryCache;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

/** What a handler is given of a call. A class, since a literal with a getter costs each call ten times as much. */
export class HandlerContext implements Context {
  readonly #deps: Dependencies;
  readonly #call: Call;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly requestId: string;
  readonly stale: Set<string>;
  readonly signal: AbortSignal;
  readonly caller: Caller;
  readonly upload: Upload | null;
  readonly principal: Context['principal'];

  constructor(deps: Dependencies, call: Call) {
    this.#deps = deps;
    this.#call = call;
    this.clock = deps.clock;
    this.ids = deps.ids;
    this.log = deps.log;
    this.requestId = call.caller.requestId;
    this.stale = call.stale;
    this.signal = call.signal;
    this.caller = call.caller;
    this.upload = call.upload;
    this.principal = call.principal as Context['principal'];
  }

  get db(): Context['db'] {
    return this.#call.db ?? noTenant();
  }
  // Getters, so that handlers may take these off the context, and calls that do not use them make none.
  get serve(): Context['serve'] {
    return (content) => void (this.#call.notes.content = content);
  }
  get record(): Context['record'] {
    return (facts) => void (this.#call.recorded = { ...this.#call.recorded, ...facts });
  }
  get keepNoAnswer(): Context['keepNoAnswer'] {
    return () => void (this.#call.keep = false);
  }
  get transaction(): Transaction {
    return async (work) => {
      const { database, cache } = this.#deps;
      const { clock, requestId } = this;
      const reach = this.#call.principal ?? noTenant();
      const stale = new Set<string>();
      const result = await database.transaction(reach, (db) => work({ clock, requestId, stale, db }));
      cache.drop(reach.tenantId, stale);
      return result;
    };
  }
}

const noTenant = (): never => {
  throw new Failure('INTERNAL', null, { cause: new Error('a public procedure has no tenant to read from') });
};
