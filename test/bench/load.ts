import autocannon from 'autocannon';

/** Runs in a process of its own, so that making the load does not slow the server that is measured. */
const [, , text = '{}'] = process.argv;
const { url, headers, connections, seconds, callsPerSecond } = JSON.parse(text) as LoadRequest;
const result = await autocannon({
  url,
  headers,
  connections,
  duration: seconds,
  timeout: 30,
  ...(callsPerSecond ? { overallRate: callsPerSecond } : {}),
});
const figures: LoadFigures = {
  perSecond: result.requests.average,
  total: result.requests.total,
  p50: result.latency.p50,
  p99: result.latency.p99,
  errors: result.errors + result.timeouts,
  failures: result.non2xx,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

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
