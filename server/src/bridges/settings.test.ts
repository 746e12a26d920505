import { describe, expect, it } from 'vitest';
import { readConfig } from '../config.ts';

const faultsOf = (bridges: unknown): string => {
  try {
    readConfig({ OLYMPUS_BRIDGES: typeof bridges === 'string' ? bridges : JSON.stringify(bridges) });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const rabbit = { broker: 'rabbitmq', name: 'a', url: 'amqp://h' };

describe('the settings of bridges', () => {
  it('choose events by their beginnings, and have defaults for the rest', () => {
    const all = [{ ...rabbit, events: { types: ['order.*', 'product.created'] } }];
    const [bridge] = readConfig({ OLYMPUS_BRIDGES: JSON.stringify(all) }).bridges;
    expect(bridge?.events).toMatchObject({
      types: expect.arrayContaining(['order.created', 'order.updated', 'product.created']) as unknown,
      exchange: 'olympus',
      unroutable: 'fail',
    });
    expect(bridge?.events?.types).not.toContain('orders.imported');
  });

  it('are refused with every fault at once, named by their place and without secrets', () => {
    const text = faultsOf([
      { ...rabbit, name: 'Not This', url: 'http://user:hunter2hunter2@h', events: { types: ['order.lost'] } },
      { ...rabbit, name: 'b' },
      { ...rabbit, name: 'b', commands: { queue: 'q', concurrency: 0, key: 'short' } },
      { broker: 'nats', name: 'c', servers: [], events: { types: [] } },
      { broker: 'kafka', name: 'd', brokers: ['no port'], events: { types: ['*'] }, colour: 'red' },
    ]);
    for (const place of ['0.name', '0.url', '0.events.types.0', '2.commands.concurrency', '2.commands.key'])
      expect(text).toContain(`OLYMPUS_BRIDGES.${place} `);
    for (const place of ['3.servers', '3.events.types', '4.brokers.0', '4 '])
      expect(text).toContain(`OLYMPUS_BRIDGES.${place}`);
    expect(text).not.toContain('hunter2');
    expect(faultsOf([{ ...rabbit }])).toContain('must have events, commands or both');
    expect(faultsOf([0, 1].map(() => ({ ...rabbit, events: { types: ['*'] } })))).toContain('must not be there twice');
    expect(faultsOf('{')).toContain('must be JSON');
  });

  it('must be fit for production', () => {
    const bridges = [
      { ...rabbit, url: 'amqp://guest:guest@rabbit.test', events: { types: ['*'] } },
      { broker: 'kafka', name: 'k', brokers: ['kafka.test:9092'], events: { types: ['*'] } },
    ];
    const set = { OLYMPUS_MODE: 'production', OLYMPUS_BRIDGES: JSON.stringify(bridges) };
    expect(() => readConfig(set)).toThrow('OLYMPUS_BRIDGES of a must be encrypted');
    expect(() => readConfig(set)).toThrow('OLYMPUS_BRIDGES of a must not hold a password');
    expect(() => readConfig(set)).toThrow('OLYMPUS_BRIDGES of k must have tls');
  });
});
