import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../kernel/context.ts';
import type { Kernel } from '../kernel/execute.ts';
import { Failure, toFailure } from '../kernel/failure.ts';
import type { Procedure } from '../kernel/implement.ts';
import { flowTo } from '../kernel/items.ts';
import { tooManyStreams } from '../kernel/steps/stream-caps.ts';
import { errorShape } from './error-codes.ts';
import { issue } from './input-issue.ts';
import type { TrpcLimits } from './trpc-limits.ts';
import { encodeAnything, encoderOf } from './wire.ts';
import { sharedFrames, textFrame } from './ws-frame.ts';
import { resumedInput, type CallMessage, type MessageId } from './ws-message.ts';
import type { Outlet } from './ws-outlet.ts';

/** A call to be made: who makes it, and how answers to it begin. */
export interface CallOrder {
  readonly id: MessageId;
  readonly head: string;
  readonly call: CallMessage;
  readonly caller: Caller;
}
interface Running {
  readonly isSubscription: boolean;
  readonly controller: AbortController;
}
interface Surroundings {
  readonly kernel: Kernel;
  readonly limits: TrpcLimits;
  readonly outlet: Outlet;
}

/** The text of an error that answers a message. */
export const errorText = (head: string, failure: Failure, context: { path?: string; requestId: string }): string =>
  `${head},"error":${encodeAnything(errorShape(failure, context))}}`;

/** The calls under way on one socket. Each can be stopped by its id, and none outlives the socket. */
export class Calls {
  readonly #running = new Map<MessageId, Running>();
  readonly #kernel: Kernel;
  readonly #limits: TrpcLimits;
  readonly #outlet: Outlet;
  #subscriptions = 0;

  constructor({ kernel, limits, outlet }: Surroundings) {
    this.#kernel = kernel;
    this.#limits = limits;
    this.#outlet = outlet;
  }

  /** Calls whose answer would be lost with the socket; subscriptions go on elsewhere. */
  get unanswered(): number {
    return this.#running.size - this.#subscriptions;
  }

  start(order: CallOrder): void {
    const { id, head, call, caller } = order;
    try {
      const procedure = this.#admit(id, call);
      const running: Running = { isSubscription: call.method === 'subscription', controller: new AbortController() };
      this.#running.set(id, running);
      if (running.isSubscription) this.#subscriptions++;
      void this.#run(order, procedure, running);
    } catch (cause) {
      this.#outlet.send(errorText(head, toFailure(cause), { path: call.path, requestId: caller.requestId }));
    }
  }

  stop(id: MessageId): void {
    this.#running.get(id)?.controller.abort();
  }

  stopAll(): void {
    for (const { controller } of this.#running.values()) controller.abort();
  }

  #admit(id: MessageId, { path, method }: CallMessage): Procedure {
    const { socketCalls, socketSubscriptions } = this.#limits;
    if (this.#running.has(id)) throw issue('id', 'is the id of a call that is still under way', 'duplicate');
    if (this.#running.size >= socketCalls) throw tooMany(`at most ${socketCalls} calls may be under way on a socket`);
    if (method === 'subscription' && this.#subscriptions >= socketSubscriptions)
      throw tooManyStreams('socket', socketSubscriptions);
    const procedure = this.#kernel.byPath.get(path);
    if (procedure?.contract.kind !== method)
      throw new Failure('NOT_FOUND', null, { detail: `There is no ${method} ${path.slice(0, 100)}` });
    return procedure;
  }

  async #run({ id, head, call, caller }: CallOrder, procedure: Procedure, running: Running): Promise<void> {
    const { signal } = running.controller;
    const { contract } = procedure;
    let answer: string;
    try {
      const input = contract.def.tracked ? resumedInput(call.input, call.lastEventId) : call.input;
      const { idempotencyKey } = call;
      const value = await this.#kernel.execute({ procedure, caller, input, signal, idempotencyKey });
      if (running.isSubscription) {
        await this.#follow(value as AsyncIterable<unknown>, { head, procedure, signal });
        answer = stopped(head);
      } else answer = `${head},"result":{"type":"data","data":${encoderOf(contract)(value)}}}`;
    } catch (cause) {
      const context = { path: call.path, requestId: caller.requestId };
      answer = running.isSubscription && signal.aborted ? stopped(head) : errorText(head, toFailure(cause), context);
    }
    this.#running.delete(id);
    if (running.isSubscription) this.#subscriptions--;
    this.#outlet.send(answer);
  }

  async #follow(
    items: AsyncIterable<unknown>,
    { head, procedure, signal }: { head: string; procedure: Procedure; signal: AbortSignal },
  ): Promise<void> {
    const { contract } = procedure;
    const encode = encoderOf(contract);
    const outlet = this.#outlet;
    let sent = 0;
    if (!signal.aborted) outlet.send(`${head},"result":{"type":"started"}}`);
    const messageOf = (item: unknown): string => {
      const id = contract.def.tracked ? `"id":${JSON.stringify((item as { id: string }).id)},` : '';
      return `${head},"result":{"type":"data",${id}"data":${encode(item)}}}`;
    };
    const pace = async () => {
      while (outlet.isFull && !signal.aborted) await outlet.drained();
      if (sent < this.#limits.softBufferBytes) return;
      // A reader that keeps up with a ready source would otherwise keep the process to itself.
      sent = 0;
      await nextTurn();
    };
    await flowTo(items, signal, (batch) => {
      const frame = contract.def.tracked
        ? sharedFrames(batch, head, messageOf)
        : Buffer.concat(batch.map((item) => textFrame(messageOf(item))));
      outlet.sendFrame(frame);
      sent += frame.length;
      return outlet.isFull || sent >= this.#limits.softBufferBytes ? pace() : undefined;
    });
  }
}

const stopped = (head: string): string => `${head},"result":{"type":"stopped"}}`;
const tooMany = (detail: string): Failure => new Failure('RATE_LIMITED', { retryAfter: 1 }, { detail });
