import { expect, test } from 'vitest';
import { createTelemetry } from './telemetry.ts';

test('calls, errors, sockets, pools and the event loop are told in Prometheus text', async () => {
  const telemetry = createTelemetry({
    pools: () => ({ app: { size: 10, inUse: 3, waiting: 1 } }),
    eventLog: async () => ({ bytes: 81_920, segments: 2, since: new Date(1_700_000_000_500) }),
    queues: async () => [{ queue: 'mail', waiting: 4, running: 1, oldestSeconds: 2.5 }],
  });
  telemetry.observe({ procedure: 'orders.list', protocol: 'rest', code: 'OK', seconds: 0.004 });
  telemetry.observe({ procedure: 'orders.list', protocol: 'rest', code: 'FORBIDDEN', seconds: 0.2 });
  telemetry.setOpenSockets('trpc-ws', 7);
  const lines = (await telemetry.metrics()).split('\n');
  for (const line of [
    'olympus_call_duration_seconds_bucket{le="0.0025",procedure="orders.list",protocol="rest"} 0',
    'olympus_call_duration_seconds_bucket{le="0.005",procedure="orders.list",protocol="rest"} 1',
    'olympus_call_duration_seconds_count{procedure="orders.list",protocol="rest"} 2',
    'olympus_call_errors_total{procedure="orders.list",protocol="rest",code="FORBIDDEN"} 1',
    'olympus_open_sockets{protocol="trpc-ws"} 7',
    'olympus_database_connections{pool="app",state="in_use"} 3',
    'olympus_database_connections{pool="app",state="waiting"} 1',
    'olympus_event_log_bytes 81920',
    'olympus_event_log_segments 2',
    'olympus_event_log_since_timestamp_seconds 1700000000.5',
    'olympus_jobs{queue="mail",state="waiting"} 4',
    'olympus_jobs{queue="mail",state="running"} 1',
    'olympus_job_oldest_seconds{queue="mail"} 2.5',
  ])
    expect(lines).toContain(line);
  expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_p99_seconds '))).toBe(true);
  expect(telemetry.contentType).toMatch(/^text\/plain/);
});

test('two in one process do not share figures', async () => {
  const [one, other] = [createTelemetry(), createTelemetry()];
  one.observe({ procedure: 'p', protocol: 'rest', code: 'OK', seconds: 1 });
  expect(await other.metrics()).not.toContain('procedure="p"');
});

test('what tells of queues may fail without the rest', async () => {
  const telemetry = createTelemetry({ queues: () => Promise.reject(new Error('no database')) });
  const text = await telemetry.metrics();
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
  expect(text).not.toContain('olympus_jobs{');
});
