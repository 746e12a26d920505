import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A variable that holds JSON of a given shape; its faults are named by their path below the variable. */
export const document = <S extends z.ZodType>(schema: S) =>
  z.string().transform((text, context): z.output<S> => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message });
    return z.NEVER;
  });

/**
 * The environment with what `NAME_FILE` names read into `NAME`, for documents and secrets that are mounted as files.
 * Faults come in words, so that they can be told with all others.
 */
export function withFiles(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): { readonly env: NodeJS.ProcessEnv; readonly faults: readonly string[] } {
  const read: NodeJS.ProcessEnv = { ...env };
  const faults: string[] = [];
  for (const name of names) {
    const file = env[`${name}_FILE`];
    if (file === undefined) continue;
    if (env[name] !== undefined) faults.push(`${name}_FILE must not be set beside ${name}`);
    else
      try {
        read[name] = readFileSync(file, 'utf8');
      } catch (error) {
        faults.push(
          `${name}_FILE must name a readable file (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
        );
      }
  }
  return { env: read, faults };
}
