/** Versions below these have holes that are known, and are let in by no lockfile. One reason each. */
export const dependencyFloors: Readonly<Record<string, { floor: string; why: string }>> = {
  '@trpc/server': { floor: '11.25.2', why: 'prototype pollution and unbounded batches in earlier ones' },
  '@trpc/client': { floor: '11.25.2', why: 'kept in step with the server' },
  ws: { floor: '8.21.0', why: 'fragments without end, memory of closed sockets' },
  undici: { floor: '7.24.0', why: 'certificate and decompression faults' },
  'drizzle-orm': { floor: '0.45.2', why: 'identifiers that were not escaped' },
  superjson: { floor: '2.2.6', why: 'paths that reach a prototype' },
  multer: { floor: '2.3.0', why: 'requests that hang or crash the parser' },
};

/** `a` against `b`, both `1.2.3`: below, equal or above zero. */
export const compareVersions = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Every version of a package that a pnpm lockfile holds. */
export function lockedVersions(lockfile: string, name: string): string[] {
  const escaped = name.replaceAll(/[/.]/g, '\\$&');
  return [...lockfile.matchAll(new RegExp(`^  '?${escaped}@(\\d+\\.\\d+\\.\\d+)`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}
