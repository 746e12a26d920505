import { z } from 'zod';
import { isFault } from './platform/payments/simulator-faults.ts';

export interface PaymentsConfig {
  /** `simulated`: for development, takes no money. `none`: orders are placed without payments. */
  readonly provider: 'simulated' | 'none';
  /** What goes wrong with simulated payments whose tokens say nothing; null: nothing. */
  readonly fault: string | null;
  /** Milliseconds of one call to the provider. */
  readonly callMs: number;
  /** Milliseconds from the placing of an order until its payment must be authorized, and from then until it must be completed. */
  readonly authorizeMs: number;
  readonly holdMs: number;
}

type Readers = {
  whole: (min: number, max: number) => z.ZodType<number, string>;
  oneOf: <const T extends string>(...values: T[]) => z.ZodType<T, string>;
};

export const paymentVariables = ({ whole, oneOf }: Readers) => ({
  PAYMENT_PROVIDER: oneOf('simulated', 'none').optional(),
  PAYMENT_SIMULATOR_FAULT: z.string().refine(isFault, 'must be a fault such as sim_slow_2000_at_all').optional(),
  PAYMENT_TIMEOUT_MS: whole(100, 60_000).default(10_000),
  PAYMENT_AUTHORIZE_SECONDS: whole(1, 86_400).default(900),
  PAYMENT_HOLD_DAYS: whole(1, 30).default(7),
});

interface Variables {
  readonly OLYMPUS_MODE?: 'production' | 'development' | undefined;
  readonly PAYMENT_PROVIDER?: PaymentsConfig['provider'] | undefined;
  readonly PAYMENT_SIMULATOR_FAULT?: string | undefined;
  readonly PAYMENT_TIMEOUT_MS: number;
  readonly PAYMENT_AUTHORIZE_SECONDS: number;
  readonly PAYMENT_HOLD_DAYS: number;
}

/** Where nobody says otherwise, payments are simulated, except in production. */
export const readPayments = (set: Variables): PaymentsConfig => ({
  provider: set.PAYMENT_PROVIDER ?? (set.OLYMPUS_MODE === 'production' ? 'none' : 'simulated'),
  fault: set.PAYMENT_SIMULATOR_FAULT ?? null,
  callMs: set.PAYMENT_TIMEOUT_MS,
  authorizeMs: set.PAYMENT_AUTHORIZE_SECONDS * 1000,
  holdMs: set.PAYMENT_HOLD_DAYS * 86_400_000,
});
