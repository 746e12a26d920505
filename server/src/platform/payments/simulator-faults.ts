export type SimulatedCall = 'authorize' | 'capture' | 'void' | 'refund';

export interface SimulatedFault {
  readonly kind: 'none' | 'decline' | 'down' | 'slow' | 'lost_answer' | 'duplicate';
  /** Requests of each call that find nobody, or milliseconds until a call takes effect. */
  readonly count: number;
}

const token =
  /^sim_(decline|down|slow|lost_answer|duplicate)(?:_(\d{1,6}))?(?:_at_(authorize|capture|void|refund|all))?$/;
const none: SimulatedFault = { kind: 'none', count: 0 };
const defaults: Readonly<Record<string, number>> = { down: Infinity, slow: 2000 };

/** Whether a text says what goes wrong; see `faultOf`. */
export const isFault = (text: string): boolean => token.test(text);

/**
 * What goes wrong with a call, as its method's token says: `sim_decline`, `sim_down` or `sim_down_3` (the first three requests),
 * `sim_slow_2000` (milliseconds), `sim_lost_answer` (to the first request), `sim_duplicate` (each request comes twice). It is
 * about the authorization, or with `_at_capture`, `_at_void`, `_at_refund` or `_at_all` about other calls.
 */
export function faultOf(method: string, call: SimulatedCall): SimulatedFault {
  const match = token.exec(method);
  if (!match) return none;
  const [, kind = 'none', count, at = 'authorize'] = match;
  if (at !== 'all' && at !== call) return none;
  return { kind: kind as SimulatedFault['kind'], count: count === undefined ? (defaults[kind] ?? 1) : Number(count) };
}
