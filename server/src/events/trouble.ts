/** What parts of the event system log; pino's loggers fit. */
export interface EventsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Logs the first of a row of errors and the end of the row, so that an outage fills no log. */
export function createTrouble(log: EventsLog, what: string): { met: (error: unknown) => void; over: () => void } {
  let failing = false;
  return {
    met(error) {
      if (!failing) log.warn({ err: error }, `${what} failed; trying again`);
      failing = true;
    },
    over() {
      if (failing) log.info({}, `${what} works again`);
      failing = false;
    },
  };
}
