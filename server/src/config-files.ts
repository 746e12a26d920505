import { readFileSync } from 'node:fs';

/**
 * Variables that are read from files: where `NAME_FILE` is set, the file's text is the value of `NAME`, as secret stores
 * of orchestrators hand it over. Faults are told by name, never with a value.
 */
export function withFiles(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): { readonly env: NodeJS.ProcessEnv; readonly faults: string[] } {
  const read: Record<string, string> = {};
  const faults: string[] = [];
  for (const name of names) {
    const file = env[`${name}_FILE`]?.trim();
    if (!file) continue;
    if (env[name]?.trim()) faults.push(`${name}_FILE must not be set beside ${name}`);
    else
      try {
        read[name] = readFileSync(file, 'utf8').trim();
        if (read[name] === '') faults.push(`${name}_FILE names a file that is empty`);
      } catch (error) {
        faults.push(
          `${name}_FILE names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
        );
      }
  }
  return { env: { ...env, ...read }, faults };
}
