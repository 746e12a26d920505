/** An exact amount: a decimal as text, and an ISO 4217 code. */
export interface Amount {
  readonly amount: string;
  readonly currency: string;
}

/** A call that has one effect, however often it comes with its key. */
export interface PaymentCall extends Amount {
  readonly key: string;
  /** Ends when the caller does not wait any longer; what was asked for may happen all the same. */
  readonly signal: AbortSignal;
}

/** What became of a call: done, with the provider's name for it, or refused for good. */
export type PaymentAnswer =
  | { readonly done: true; readonly reference: string }
  | { readonly done: false; readonly reason: string };

/**
 * Takes money in two steps: holds it, and takes or lets go of what is held. Calls reject with `PaymentUnavailable` where it is
 * certain that nothing was done; with anything else, what was done is not known, and `find` must be asked.
 */
export interface PaymentProvider {
  readonly name: string;
  /** Holds an amount of what `method` stands for. The reference names the hold. */
  authorize(call: PaymentCall & { readonly method: string }): Promise<PaymentAnswer>;
  /** Takes what is held. Refused as `voided` once it was let go. */
  capture(call: HeldCall): Promise<PaymentAnswer>;
  /** Lets go of what is held. Refused as `captured` once it was taken. */
  void(call: HeldCall): Promise<PaymentAnswer>;
  /** Gives back what was taken. */
  refund(call: HeldCall): Promise<PaymentAnswer>;
  /** What has become of the call with this key; null: nothing yet, as far as is known. */
  find(key: string, signal: AbortSignal): Promise<PaymentAnswer | null>;
}
export type HeldCall = PaymentCall & { readonly reference: string };

/** The provider was not reached, or said that it does nothing now. */
export class PaymentUnavailable extends Error {
  override readonly name = 'PaymentUnavailable';
}
