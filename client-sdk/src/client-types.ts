import type { TRPCClient } from '@trpc/client';
import type { Download, Upload } from './bulk.ts';
import type { SendsFile } from './files.ts';
import type { Procedures } from './contracts.ts';
import type { Page, Paged } from './pages.ts';
import type { OlympusRouter, Procedure } from './procedures.ts';
import type { StoredSession } from './session.ts';

/** What a procedure has beside tRPC's own methods. */
type ExtrasOf<P extends Procedure> = [P['bulk']] extends [never]
  ? P extends { kind: 'query'; output: Page<unknown> }
    ? Paged<P['input'], P['output']>
    : unknown
  : P['bulk'] extends 'upload'
    ? Upload<P['input'], P['output']>
    : P['bulk'] extends 'file'
      ? SendsFile<P['input'], P['output']>
      : Download<P['input'], P['output']>;
type Extras<T> = { readonly [K in keyof T]: T[K] extends Procedure ? ExtrasOf<T[K]> : Extras<T[K]> };

/** The client: every procedure in tRPC's own call style, with a few methods more. */
export type Olympus = TRPCClient<OlympusRouter> &
  Extras<Procedures> & {
    /** Who is signed in; null when nobody is. */
    $session(): Promise<StoredSession | null>;
    /** Ends the live updates and closes their socket. The client may be used again. */
    $close(): void;
  };
