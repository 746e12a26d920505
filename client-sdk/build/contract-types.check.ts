import type * as written from '../generated/contracts.ts';
import type * as inferred from '../src/contracts.ts';

// oxlint-disable typescript/no-unnecessary-type-parameters, typescript/no-generated-empty-object-type -- types are compared by what they infer.
// Compiled by the build, never run: the published types are those of the contracts, or it names the procedure.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Differing<A, B> = { [K in keyof A & keyof B & string]: Same<A[K], B[K]> extends true ? never : K }[keyof A &
  keyof B &
  string];
type DifferingProcedures<A, B> = {
  [D in keyof A & keyof B & string]: `${D}.${Differing<A[D], B[D]>}`;
}[keyof A & keyof B & string];
const same = <_T extends true>() => undefined;

// What differs is missing here, and so named.
export const procedures: Record<DifferingProcedures<written.Procedures, inferred.Procedures>, never> = {};
export const failures: Record<Differing<written.ServerFailures, inferred.ServerFailures>, never> = {};
same<Same<written.Procedures, inferred.Procedures>>();
same<Same<written.ServerFailures, inferred.ServerFailures>>();
same<Same<written.CommonCode, inferred.CommonCode>>();
same<Same<written.OrderLine, inferred.OrderLine>>();
