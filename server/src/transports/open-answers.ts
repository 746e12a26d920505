import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The answers of a server that are under way. */
export interface OpenAnswers {
  /** Keeps an answer until it is over. False when its connection had too many before it and was cut. */
  add(request: IncomingMessage, response: ServerResponse): boolean;
  /** Cuts those whose request is no longer to be answered, streams above all. */
  cut(isRefused: (request: IncomingMessage) => boolean): void;
}
export interface OpenAnswersOptions {
  /** Where a connection comes from; null when many share that, as they do a proxy's address. */
  readonly networkOf?: (socket: Socket) => string | null;
  /** For which whoever asked may take to read an answer that is complete. */
  readonly readMs?: number;
  /** For which the system may take no byte of an answer, once or twice in a row. */
  readonly stallMs?: number;
  /** Answers at once of one connection: requests may come before the answers to those before them. */
  readonly perConnection?: number;
  /** After which a connection that takes nothing of its answer is stuck, */
  readonly stuckMs?: number;
  /** and how many of one network may be at once. */
  readonly stuckPerNetwork?: number;
  readonly sweepMs?: number;
}

/**
 * Bounds what readers that do not read can hold: memory of this process, files, and most of all the system's memory for
 * connections, of which each may hold megabytes, and which is lost to everybody once it is spent.
 */
export function openAnswers({
  networkOf = () => null,
  readMs = 30_000,
  stallMs = 15_000,
  perConnection = 32,
  stuckMs = 1_000,
  stuckPerNetwork = 256,
  sweepMs = 250,
}: OpenAnswersOptions = {}): OpenAnswers {
  const open = new Map<ServerResponse, IncomingMessage>();
  const queues = new WeakMap<Socket, Set<ServerResponse>>();
  const completeSince = new WeakMap<ServerResponse, number>();
  const progress = new WeakMap<Socket, { taken: number; at: number }>();
  /** The timeouts that connections had before they were stuck. */
  const patience = new WeakMap<Socket, number>();
  let timer: NodeJS.Timeout | undefined;

  const queueOf = (socket: Socket): Set<ServerResponse> => {
    const known = queues.get(socket);
    if (known) return known;
    const queue = new Set<ServerResponse>();
    queues.set(socket, queue);
    // Node tells only the first of several that their connection is gone; the others would keep what they hold.
    socket.once('close', () => {
      for (const response of queue) if (!response.destroyed) response.destroy().emit('close');
    });
    return queue;
  };
  const isLate = (response: ServerResponse, now: number): boolean => {
    if (!response.writableEnded) return false;
    const since = completeSince.get(response);
    if (since === undefined) completeSince.set(response, now);
    return since !== undefined && now - since >= readMs;
  };
  /** Whether something waits to be taken, and nothing was for a while. */
  const isStuck = (socket: Socket, now: number): boolean => {
    const taken = socket.bytesWritten - socket.writableLength;
    const last = progress.get(socket);
    if (socket.writableLength > 0 && last?.taken === taken) return now - last.at >= stuckMs;
    progress.set(socket, { taken, at: now });
    return false;
  };
  /** What is written in one piece counts as taken only as a whole; the socket's own timeout sees the system take parts of it. */
  const bePatient = (socket: Socket, stuck: boolean): void => {
    const usual = patience.get(socket);
    if (stuck === (usual !== undefined)) return;
    if (stuck) patience.set(socket, socket.timeout ?? 0);
    else patience.delete(socket);
    socket.setTimeout(usual ?? stallMs);
  };
  const sweep = () => {
    const now = performance.now();
    const networks = new Map<string, Socket[]>();
    const seen = new Set<Socket>();
    for (const [response, { socket }] of open) {
      if (isLate(response, now)) socket.resetAndDestroy();
      if (socket.destroyed || seen.has(socket)) continue;
      seen.add(socket);
      const stuck = isStuck(socket, now);
      bePatient(socket, stuck);
      const network = stuck ? networkOf(socket) : null;
      if (network === null) continue;
      const sockets = networks.get(network);
      if (sockets) sockets.push(socket);
      else networks.set(network, [socket]);
    }
    // Those that have waited longest come first.
    for (const sockets of networks.values())
      for (const socket of sockets.slice(0, Math.max(0, sockets.length - stuckPerNetwork))) socket.resetAndDestroy();
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    add(request, response) {
      const { socket } = request;
      const queue = queueOf(socket);
      if (queue.size >= perConnection) {
        socket.resetAndDestroy();
        return false;
      }
      open.set(response, request);
      queue.add(response);
      response.once('close', () => {
        open.delete(response);
        queue.delete(response);
      });
      timer ??= setInterval(sweep, sweepMs).unref();
      return true;
    },
    cut(isRefused) {
      for (const [response, request] of open) if (isRefused(request)) response.destroy();
    },
  };
}
