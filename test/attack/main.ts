/**
 * Attacks a server of its own with sqlmap, slowhttptest and zzuf, over loopback, and says what came of it. Ends with 1
 * where something was found, the process died, or others were kept waiting. Takes about ten minutes.
 *
 *     npx pnpm test:attack [sqlmap] [slow] [mutations]
 */
import { healthyClient } from './healthy.ts';
import { mutate, runMutations } from './mutations.ts';
import { connections, runSlow } from './slow.ts';
import { runSqlmap } from './sqlmap.ts';
import { startTarget } from './target.ts';

const wanted = new Set(process.argv.slice(2));
const runs = (name: string) => wanted.size === 0 || wanted.has(name);
const faults: string[] = [];
const say = (text: string) => console.log(text);
const judge = (good: boolean, text: string) => {
  say(`  ${good ? 'ok  ' : 'FAIL'} ${text}`);
  if (!good) faults.push(text);
};

const target = await startTarget();
const atFirst = target.memory();
try {
  const quiet = healthyClient(target.url, target.owner.accessToken);
  await new Promise((done) => setTimeout(done, 3000));
  const calm = await quiet.stop();
  say(`undisturbed: p50 ${calm.p50} ms, p99 ${calm.p99} ms, ${Math.round(atFirst)} MiB`);

  if (runs('sqlmap')) {
    say('sqlmap, level 3, risk 1');
    for (const { operation, found, finished } of await runSqlmap(target, 75))
      judge(found === '', `${operation}: ${found || 'nothing found'}${finished ? '' : ' in the time it had'}`);
  }
  if (runs('slow')) {
    say(`slowhttptest, ${connections} connections`);
    for (const { mode, health, available, descriptors } of await runSlow(target)) {
      const [before, most, after] = descriptors;
      judge(
        health.failed === 0,
        `slow ${mode}: others p50 ${health.p50} ms, p99 ${health.p99} ms, ${health.failed} of ${health.calls} failed; ` +
          `available at ${available}; descriptors ${before}, at most ${most}, then ${after}`,
      );
      judge(after <= before + 20, `slow ${mode}: nothing is left behind`);
    }
  }
  if (runs('mutations')) {
    say('zzuf, fixed seeds');
    const attempts = await mutate(target, 300);
    const client = healthyClient(target.url, target.owner.accessToken);
    const { sent, outcomes, faults: found } = await runMutations(target, attempts);
    const health = await client.stop();
    for (const [name, counts] of Object.entries(outcomes))
      say(
        `       ${name}: ${Object.entries(counts)
          .map(([outcome, count]) => `${outcome} ×${count}`)
          .join(', ')}`,
      );
    judge(found.length === 0, `${sent} mutations: ${found.length === 0 ? 'no fault' : found.slice(0, 10).join('; ')}`);
    judge(
      health.failed === 0,
      `others p50 ${health.p50} ms, p99 ${health.p99} ms, ${health.failed} of ${health.calls} failed`,
    );
  }
  judge(target.alive, 'the process is alive, and no promise was left unhandled');
  judge(
    target.errors().length === 0,
    `failures in the log: ${target.errors().length} ${target.errors()[0]?.slice(0, 400) ?? ''}`,
  );
  if (target.alive) say(`memory: ${Math.round(atFirst)} MiB before, ${Math.round(target.memory())} MiB after`);
} finally {
  const code = await target.stop();
  judge(code === 0, `it stops in order: ${code}`);
}
say(faults.length === 0 ? 'nothing found' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
