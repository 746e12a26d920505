import { commonErrors, contracts, contractsOf } from '@olympus/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { rest } from './drivers/rest.ts';
import { sdk } from './drivers/sdk.ts';
import { trpcBatch, trpcHttp, trpcStream, trpcWebSocket } from './drivers/trpc.ts';
import { runScenario } from './run-scenario.ts';
import type { Driver } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

let olympus: Olympus;
const drivers: Driver[] = [];
const transcripts = new Map<string, unknown[]>();

beforeAll(async () => {
  olympus = await startOlympus();
  const { url, wsUrl } = olympus;
  drivers.push(rest(url), trpcHttp(url), trpcBatch(url), trpcStream(url), trpcWebSocket(wsUrl), sdk(url));
});
afterAll(async () => {
  for (const driver of drivers) await driver.close();
  await olympus.close();
});

const names = ['REST', 'tRPC', 'tRPC batch', 'tRPC streamed batch', 'tRPC WebSocket', 'SDK'];

describe.each(names)('conformance over %s', (name) => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (title, scenario) => {
    const driver = drivers.find((candidate) => candidate.name === name);
    if (!driver) throw new Error(`no driver ${name}`);
    const transcript = await runScenario(scenario, driver, olympus);
    const first = transcripts.get(title);
    if (first) expect(transcript).toEqual(first);
    else transcripts.set(title, transcript);
  });
});

describe('the list of scenarios', () => {
  it('holds every procedure that is no stream, and every error that a contract declares', () => {
    const steps = scenarios.flatMap((scenario) => scenario.steps);
    const called = new Set(steps.map((step) => step.call));
    const failures = new Set(steps.flatMap((step) => (step.fails ? [step.fails as string] : [])));
    const missing: string[] = [];
    for (const { path, contract } of contractsOf(contracts)) {
      if (contract.kind !== 'subscription' && !called.has(path)) missing.push(path);
      for (const code of Object.keys(contract.def.errors ?? {})) if (!failures.has(code)) missing.push(code);
    }
    // These need a server of another configuration, a consumer that fails, very many endpoints, or roles that a tenant's first owner outranks; their domains test them.
    expect([...new Set(missing)].sort()).toEqual([
      'DEAD_LETTER_NOT_DEAD',
      'EMAIL_NOT_VERIFIED',
      'NO_ACCOUNT',
      'PAYMENTS_OFF',
      'REGISTRATION_CLOSED',
      'ROLE_TOO_HIGH',
      'SCOPE_TOO_WIDE',
      'STORAGE_FULL',
      'STORAGE_QUOTA_EXCEEDED',
      'WEBHOOK_LIMIT',
    ]);
    expect(scenarios.length).toBeGreaterThanOrEqual(60);
    expect(Object.keys(commonErrors).length).toBeGreaterThan(10);
  });
});
