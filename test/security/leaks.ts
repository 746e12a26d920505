/**
 * Sees whether the attacks would find a leak: sows each patch of `leaks/` in a copy of the checkout and runs the part of
 * the suite that must turn red. Ends with 1 when one stays green, or when the suite is red without any.
 *
 *     npx pnpm test:leaks [name…]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { root } from '../processes.ts';

interface Leak {
  readonly name: string;
  readonly patch: string;
  readonly suite: string;
  /** Pattern of the tests' names; all of the suite without one. */
  readonly test: string | null;
}
interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const folder = join(import.meta.dirname, 'leaks');
const wanted = new Set(process.argv.slice(2));
const leaks: Leak[] = readdirSync(folder)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => {
    const patch = join(folder, file);
    const text = readFileSync(patch, 'utf8');
    const suite = /^Suite: (.+)$/m.exec(text)?.[1];
    if (!suite) throw new Error(`${file} names no suite`);
    return { name: basename(file, '.patch'), patch, suite, test: /^Test: (.+)$/m.exec(text)?.[1] ?? null };
  })
  .filter(({ name }) => wanted.size === 0 || wanted.has(name));

const git = (folder: string, ...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();

/** The checkout as it stands, its libraries shared, its packages its own. */
function copyCheckout(): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'olympus-leaks-')), 'checkout');
  git(root, 'worktree', 'add', '--quiet', '--detach', copy, git(root, 'stash', 'create') || 'HEAD');
  for (const room of ['', 'shared', 'drizzle', 'server', 'client-sdk', 'test']) {
    const from = join(root, room, 'node_modules');
    if (!existsSync(from)) continue;
    mkdirSync(join(copy, room, 'node_modules'));
    for (const name of readdirSync(from))
      if (name !== '@olympus') symlinkSync(join(from, name), join(copy, room, 'node_modules', name));
    const own = join(copy, room, 'node_modules', '@olympus');
    mkdirSync(own);
    for (const [name, place] of Object.entries({
      contracts: 'shared',
      database: 'drizzle',
      server: 'server',
      client: 'client-sdk',
    }))
      symlinkSync(join(copy, place), join(own, name));
  }
  return copy;
}

/** Runs a part of the suite; what failed in it, and how many tests there were. */
function run(copy: string, { suite, test }: Pick<Leak, 'suite' | 'test'>): { failed: string[]; tests: number } {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  spawnSync(
    process.execPath,
    [
      join(copy, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'vitest.security.config.ts',
      suite,
      ...(test ? ['-t', test] : []),
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    { cwd: copy, env: { ...process.env, CI: '1' }, stdio: 'ignore' },
  );
  if (!existsSync(report)) throw new Error(`${suite} did not run`);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  // A suite that could not start has found nothing.
  if (results.length === 0) throw new Error(`${suite} did not start: ${testResults[0]?.message.slice(0, 500)}`);
  return {
    failed: results
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages }) => `${title}: ${failureMessages[0]?.split('\n')[0]?.slice(0, 160) ?? ''}`),
    tests: results.filter(({ status }) => status === 'passed' || status === 'failed').length,
  };
}

let faults = 0;
const tell = (good: boolean, name: string, words: string) => {
  if (!good) faults++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}: ${words}`);
};

const copy = copyCheckout();
try {
  const parts = new Map(leaks.map(({ suite, test }) => [`${suite} ${test ?? ''}`, { suite, test }]));
  for (const [name, part] of parts) {
    const { failed, tests } = run(copy, part);
    tell(failed.length === 0 && tests > 0, `without a leak, ${name}`, failed[0] ?? `${tests} tests pass`);
  }
  for (const leak of leaks) {
    git(copy, 'apply', leak.patch);
    const { failed, tests } = run(copy, leak);
    const green = tests === 0 ? `no test of ${leak.suite} came to run` : `nothing in ${leak.suite} finds it`;
    tell(failed.length > 0, leak.name, failed[0] ?? green);
    git(copy, 'apply', '--reverse', leak.patch);
  }
} finally {
  git(root, 'worktree', 'remove', '--force', copy);
}
console.log(faults === 0 ? `${leaks.length} leaks were found` : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
