import type { IncomingMessage, ServerResponse } from 'node:http';

/** The answers of a server that are under way. */
export interface OpenAnswers {
  add(request: IncomingMessage, response: ServerResponse): void;
  /** Cuts those whose request is no longer to be answered, streams above all. */
  cut(isRefused: (request: IncomingMessage) => boolean): void;
}

/** For which whoever asked may take to read an answer that is complete; streams look after their readers themselves. */
const readDeadlineMs = 30_000;
const sweepMs = 5_000;

export function openAnswers({ deadlineMs = readDeadlineMs, everyMs = sweepMs } = {}): OpenAnswers {
  const open = new Map<ServerResponse, IncomingMessage>();
  const completeSince = new WeakMap<ServerResponse, number>();
  let timer: NodeJS.Timeout | undefined;
  const sweep = () => {
    const now = performance.now();
    for (const response of open.keys()) {
      if (!response.writableEnded) continue;
      const since = completeSince.get(response);
      if (since === undefined) completeSince.set(response, now);
      else if (now - since >= deadlineMs) response.destroy();
    }
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return {
    add(request, response) {
      open.set(response, request);
      response.once('close', () => open.delete(response));
      timer ??= setInterval(sweep, everyMs).unref();
    },
    cut(isRefused) {
      for (const [response, request] of open) if (isRefused(request)) response.destroy();
    },
  };
}
