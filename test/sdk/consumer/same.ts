// oxlint-disable typescript/no-unnecessary-type-parameters -- types are compared by what they infer.

/** Whether two types are identical; `any` is so only to itself. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** `same<Same<typeof value, string>>()` compiles only if they are. */
export const same = <_T extends true>(): void => undefined;
