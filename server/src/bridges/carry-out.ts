import type { Protocol } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { toFailure, type Failure } from '../kernel/failure.ts';
import { createPause } from '../events/pause.ts';
import { createTrouble, type EventsLog } from '../events/trouble.ts';
import type { Ids } from '../platform/ids.ts';
import { problemOf } from '../transports/problem.ts';
import type { IncomingCommand } from './broker.ts';
import { callerOf, decodeCommand } from './command.ts';
import type { BridgeMetrics } from './metrics.ts';
import type { CommandSettings } from './settings.ts';

/** Carries out commands. */
export interface Commands {
  /** Resolves when the command is settled or given back. Never rejects. */
  handle(command: IncomingCommand): Promise<void>;
  /** Begins no further attempt; resolves when those that run have ended and are settled. */
  stop(): Promise<void>;
}

export interface CommandsOptions {
  readonly name: string;
  readonly protocol: Protocol;
  readonly settings: CommandSettings;
  readonly kernel: Pick<Kernel, 'byPath' | 'execute'>;
  readonly metrics: BridgeMetrics;
  readonly ids: Ids;
  readonly log: EventsLog;
  readonly random?: () => number;
  /** Before the second attempt; twice as long before each further one. Default 500. */
  readonly firstWaitMs?: number;
}

const maxWaitMs = 30_000;
/** Before what could not be settled is given back. */
const unsettledMs = 1000;
/** What was delivered so often and never settled takes processes down with it. */
const maxDeliveries = 20;

/** What passes by itself, however long it takes. */
const passing = new Set<string>(['UNAVAILABLE', 'RATE_LIMITED', 'IDEMPOTENCY_IN_PROGRESS', 'CANCELLED']);
/** Of the bridge's own key: the operator's to mend, while commands wait. */
const ofOwnKey = new Set<string>(['UNAUTHENTICATED', 'TENANT_SUSPENDED']);

type Outcome = { readonly value: unknown } | { readonly failure: Failure } | 'stopped';

export function createCommands(options: CommandsOptions): Commands {
  const { name, protocol, settings, kernel, metrics, ids, log, random = Math.random, firstWaitMs = 500 } = options;
  const bearer = { bridge: name, protocol, key: settings.key, ids };
  const pause = createPause();
  const running = new Set<Promise<void>>();
  const trouble = createTrouble(log, `settling commands of the bridge ${name}`);

  const isPassing = ({ code }: Failure, command: IncomingCommand): boolean =>
    passing.has(code) || (ofOwnKey.has(code) && settings.key !== undefined && !command.headers.has('authorization'));

  async function attempt(command: IncomingCommand): Promise<{ value: unknown } | { failure: Failure }> {
    try {
      const call = decodeCommand(command, kernel, settings.procedures);
      const caller = callerOf(command, bearer);
      // Not broken off by a stop: what has begun is carried out and settled.
      return { value: await kernel.execute({ ...call, caller, signal: new AbortController().signal }) };
    } catch (cause) {
      return { failure: toFailure(cause) };
    }
  }

  /** Tries until there is an answer that stands. */
  async function carryOut(command: IncomingCommand): Promise<Outcome> {
    for (let [tries, faults] = [0, 0]; ; tries++) {
      if (pause.ended) return 'stopped';
      const result = await attempt(command);
      if ('value' in result) return result;
      const { failure } = result;
      const passes = isPassing(failure, command);
      if (!passes && (failure.status < 500 || ++faults >= settings.attempts)) return result;
      metrics.command(name, 'retried');
      log.warn(
        { bridge: name, commandId: command.id, code: failure.code, tries: tries + 1 },
        'a command is tried again',
      );
      const wait = Math.min(firstWaitMs * 2 ** Math.min(tries, 20), maxWaitMs) * (0.5 + random() / 2);
      await pause.unwoken(Math.max(wait, Math.min((failure.retryAfter ?? 0) * 1000, maxWaitMs)));
    }
  }

  async function serve(command: IncomingCommand): Promise<void> {
    if (command.deliveries > maxDeliveries) {
      const detail = `was delivered ${command.deliveries} times and never settled`;
      await command.bury({ code: 'UNSETTLED', detail });
      metrics.command(name, 'buried');
      return;
    }
    const outcome = await carryOut(command);
    if (outcome === 'stopped') {
      command.release();
      return;
    }
    // The answer goes out first: where it is lost with this process, the redelivery makes it again.
    await command.answer?.(Buffer.from(JSON.stringify(answerOf(command, outcome))), 'application/json');
    if ('value' in outcome) await command.done();
    else await command.bury({ code: outcome.failure.code, detail: outcome.failure.message });
    metrics.command(name, 'value' in outcome ? 'done' : 'buried');
  }

  return {
    handle(command) {
      const work: Promise<void> = serve(command)
        .then(trouble.over, async (error: unknown) => {
          trouble.met(error);
          await pause.unwoken(unsettledMs);
          // Where the connection is gone, the broker delivers it again by itself.
          command.release();
        })
        .catch(() => undefined)
        .finally(() => running.delete(work));
      running.add(work);
      return work;
    },
    async stop() {
      pause.end();
      await Promise.all(running);
    },
  };
}

function answerOf({ id }: IncomingCommand, outcome: Exclude<Outcome, 'stopped'>): object {
  if ('value' in outcome) return { id, ok: true, result: outcome.value };
  return { id, ok: false, problem: problemOf(outcome.failure, id ?? '', null) };
}
