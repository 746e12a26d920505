import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { percentile } from './measure.ts';

/** Runs in a process of its own, so that making the load does not slow the server that is measured. */
const [, , text = '{}'] = process.argv;
const { url, headers, connections, seconds, callsPerSecond } = JSON.parse(text) as LoadRequest;
const figures = await (callsPerSecond ? steady(callsPerSecond) : unpaced());
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function unpaced(): Promise<LoadFigures> {
  const result = await autocannon({ url, headers, connections, duration: seconds, timeout: 30 });
  return {
    perSecond: result.requests.average,
    total: result.requests.total,
    p50: result.latency.p50,
    p99: result.latency.p99,
    errors: result.errors + result.timeouts,
    failures: result.non2xx,
  };
}

/**
 * Each connection calls at its own moments, spread evenly, whatever the answers take: a time counts from when the call was
 * due. (autocannon would send the calls of a second all in its first instant.)
 */
async function steady(perSecond: number): Promise<LoadFigures> {
  const periodMs = (connections / perSecond) * 1000;
  const times: number[] = [];
  let errors = 0;
  let failures = 0;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let due = begin + (periodMs * index) / connections; due < end; due += periodMs) {
        await sleep(Math.max(0, due - performance.now()));
        try {
          if ((await status(agent)) >= 300) failures++;
          else times.push(performance.now() - due);
        } catch {
          errors++;
        }
      }
      agent.destroy();
    }),
  );
  const spent = (performance.now() - begin) / 1000;
  return {
    perSecond: times.length / spent,
    total: times.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    errors,
    failures,
  };
}

/** A declaration, since the load is made before the end of this file is reached. */
function status(agent: Agent): Promise<number> {
  return new Promise((done, fail) => {
    get(url, { headers, agent, timeout: 30_000 }, (response) => {
      response.once('error', fail).once('end', () => done(response.statusCode ?? 0));
      response.resume();
    }).once('error', fail);
  });
}

export interface LoadRequest {
  url: string;
  headers: Record<string, string>;
  connections: number;
  seconds: number;
  /** Of all connections together; as many as they can when absent. */
  callsPerSecond?: number;
}
/** Latencies in milliseconds. */
export interface LoadFigures {
  perSecond: number;
  total: number;
  p50: number;
  p99: number;
  errors: number;
  failures: number;
}
