import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { measureConsumers } from './metrics.ts';

test('consumers are told with how far behind they are, and nobody while the database does not answer', async () => {
  const registry = new Registry();
  let asked = 0;
  let isAway = false;
  measureConsumers(registry, async () => {
    asked++;
    if (isAway) throw new Error('away');
    const none = { behind: 0, since: null, dead: 0, retrying: 0, held: 0 };
    const late = { behind: 7, since: new Date(Date.now() - 90_000), dead: 2, retrying: 3, held: 1 };
    return [
      { consumer: 'webhooks', ...late },
      { consumer: 'notifications', ...none },
    ];
  });
  const text = await registry.metrics();
  expect(asked).toBe(1);
  for (const line of [
    'olympus_consumer_behind{consumer="webhooks"} 7',
    'olympus_consumer_oldest_seconds{consumer="notifications"} 0',
    'olympus_dead_letters{consumer="webhooks"} 2',
    'olympus_consumer_retrying{consumer="webhooks"} 3',
  ])
    expect(text.split('\n')).toContain(line);
  expect(Number(/oldest_seconds\{consumer="webhooks"\} ([\d.]+)/.exec(text)?.[1])).toBeCloseTo(90, -1);
  isAway = true;
  expect(await registry.metrics()).not.toContain('webhooks');
});
