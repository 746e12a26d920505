/**
 * Attacks servers of its own with sqlmap, slowhttptest and zzuf, over loopback, and says what came of it. Ends with 1 where
 * something was found, a process died, or others were kept waiting. Takes about ten minutes.
 *
 *     npx pnpm test:attack [sqlmap] [slow] [mutations]
 */
import buildPrograms from '../build.ts';
import { holes, startCanary } from './canary.ts';
import { healthOf, healthyClient } from './healthy.ts';
import { mutate, runMutations } from './mutations.ts';
import { operationsOf } from './operations.ts';
import { connections, runSlow, type Held } from './slow.ts';
import { runSqlmap, type Finding } from './sqlmap.ts';
import { startTarget, type Target } from './target.ts';

const faults: string[] = [];
const say = (text: string) => console.log(text);
const judge = (good: boolean, text: string) => {
  say(`  ${good ? 'ok  ' : 'FAIL'} ${text}`);
  if (!good) faults.push(text);
};

await buildPrograms();

/** For each parameter of an operation. */
const seconds = 300;
async function sqlmap(target: Target): Promise<void> {
  const told = ({ operation, parameters, requests, seconds }: Finding) =>
    `${operation} (${parameters.join(', ')}): ${requests} requests, ${seconds} s`;
  const canary = await startCanary();
  try {
    // One at a time: some are found by how long the database sleeps, and all have the same one.
    await runSqlmap(holes, { url: canary.url, token: 'none', seconds, atOnce: 1 }, (finding) =>
      judge(finding.found.length > 0, `canary, ${told(finding)}: ${finding.found[0] ?? 'NOT found'}`),
    );
  } finally {
    await canary.stop();
  }
  const options = { url: target.url, token: target.owner.accessToken, seconds, atOnce: 2 };
  await runSqlmap(operationsOf(target), options, (finding) => {
    const { found, unfinished } = finding;
    const cut = unfinished.length > 0 ? `, not through: ${unfinished.join(', ')}` : '';
    judge(found.length + unfinished.length === 0, `${told(finding)}: ${found.join('; ') || 'nothing found'}${cut}`);
  });
}

async function slow(target: Target): Promise<void> {
  const held = ({ descriptors, memory, kernel }: Held) =>
    `${descriptors} descriptors, ${Math.round(memory)} MiB and ${Math.round(kernel)} in sockets`;
  for await (const { mode, health, available, before, most, after } of runSlow(target)) {
    judge(health.failed === 0 && health.calls > 0, `slow ${mode}: ${healthOf(health)}`);
    say(`       at most ${held(most)}; the attacker's address is answered at ${available}`);
    judge(after.descriptors <= before.descriptors + 20, `slow ${mode}: ${held(after)} are left`);
  }
}

async function mutations(target: Target): Promise<void> {
  const attempts = await mutate(target, 300);
  const client = healthyClient(target.url, target.owner.accessToken);
  const { sent, outcomes, faults: found } = await runMutations(target, attempts);
  const health = await client.stop();
  for (const [name, counts] of Object.entries(outcomes)) {
    const told = Object.entries(counts).map(([outcome, count]) => `${outcome} ×${count}`);
    say(`       ${name}: ${told.join(', ')}`);
  }
  judge(found.length === 0, `${sent} mutations: ${found.length === 0 ? 'no fault' : found.slice(0, 10).join('; ')}`);
  judge(health.failed === 0, healthOf(health));
}

/** Limits hide holes and faults from whoever looks for them, and are half of what keeps the slow from harming others. */
const parts = {
  sqlmap: { title: 'sqlmap, level 3, risk 1', attack: sqlmap, limits: false },
  slow: { title: `slowhttptest, ${connections} connections`, attack: slow, limits: true },
  mutations: { title: 'zzuf, fixed seeds', attack: mutations, limits: false },
};

const wanted = process.argv.slice(2);
for (const [name, { title, attack, limits }] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = performance.now();
  const target = await startTarget({ limits });
  const atFirst = target.memory();
  try {
    const quiet = healthyClient(target.url, target.owner.accessToken);
    await new Promise((done) => setTimeout(done, 3000));
    say(`${title}; undisturbed ${healthOf(await quiet.stop())}`);
    await attack(target);
    judge(target.alive, 'the process is alive, and no promise was left unhandled');
    const errors = target.errors();
    judge(errors.length === 0, `failures in the log: ${errors.length} ${errors[0]?.slice(0, 400) ?? ''}`);
    if (target.alive) say(`       memory: ${Math.round(atFirst)} MiB before, ${Math.round(target.memory())} MiB after`);
  } finally {
    const code = await target.stop();
    judge(code === 0, `it stops in order: ${code}`);
  }
  say(`       ${Math.round((performance.now() - start) / 1000)} s`);
}
say(faults.length === 0 ? 'nothing found' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
