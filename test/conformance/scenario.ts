import type { CommonErrorCode, DeclaredErrorCode } from '@olympus/contracts';

/**
 * Who makes a call. Each scenario has a tenant of its own with these users; `stranger` owns another
 * tenant, and `superAdmin` is the platform's.
 */
export type Actor = 'owner' | 'staff' | 'viewer' | 'stranger' | 'superAdmin' | 'nobody' | 'forger';

/**
 * One call and what it must come to. In `input`, a text such as `$mug.id` stands for what an earlier step saved as `mug`,
 * and `$code.factor` or `$nextCode.factor` for what an authenticator shows that was enrolled as `factor`;
 * in `value` and `data`, `$any` matches anything and `$date` an instant. Objects must match in the fields they name.
 */
export interface Step {
  readonly call: string;
  readonly input?: unknown;
  readonly as?: Actor;
  /** A credential that an earlier step saved, in the place of an actor's. */
  readonly bearer?: string;
  readonly key?: string;
  readonly save?: string;
  readonly value?: unknown;
  readonly fails?: CommonErrorCode | DeclaredErrorCode;
  readonly data?: unknown;
}
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: string;
      readonly status: number;
      readonly data: unknown;
      readonly errors: unknown;
    };

export interface CallOptions {
  readonly token: string | null;
  readonly key: string | null;
}
/** A protocol, as the scenarios use it. */
export interface Driver {
  readonly name: string;
  call(path: string, input: unknown, options: CallOptions): Promise<Outcome>;
  close(): Promise<void>;
}
