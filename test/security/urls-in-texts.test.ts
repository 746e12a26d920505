import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOlympus, type Olympus } from '../harness.ts';
import { carries, protocolNames, protocolsOf, tree } from './protocols.ts';
import { attackerOf, fieldsOf, put, sampleOf, schemaOf } from './sample.ts';
import { Shop } from './shop.ts';
import type { Protocol } from './wire.ts';

// Each test makes hundreds of calls.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let olympus: Olympus;
let protocols: Protocol[];
let shop: Shop;
/** Counts whoever comes, by whichever address of this machine. */
let visits = 0;
const listener = createServer((socket) => {
  visits++;
  socket.destroy();
});

beforeAll(async () => {
  olympus = await startOlympus();
  protocols = protocolsOf(olympus.url);
  shop = await Shop.open(olympus.app);
  listener.listen(0, '::');
  await once(listener, 'listening');
});
afterAll(async () => {
  for (const protocol of protocols) protocol.close();
  await olympus.close();
  listener.close();
});

/** Ways to write an address of this machine, some of which a list of forbidden ones forgets. */
const hosts = [
  '127.0.0.1',
  '0x7f.1',
  '2130706433',
  '0177.0.0.1',
  '0.0.0.0',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  'localhost',
  'user@127.0.0.1',
];
const [plain = ''] = hosts;
const urlOf = (host = plain) => `http://${host}:${(listener.address() as AddressInfo).port}/inside.png`;

it('the listener would see a call', async () => {
  for (const host of hosts.filter((one) => !one.includes('@'))) {
    const before = visits;
    await fetch(`http://${host}:${(listener.address() as AddressInfo).port}/`).catch(() => undefined);
    expect(visits, host).toBeGreaterThan(before);
  }
});

it.each(protocolNames)('a URL in any text of any procedure is never asked for, over %s', async (name) => {
  const protocol = protocols.find((one) => one.name === name);
  const before = visits;
  let turn = protocolNames.indexOf(name);
  const kept = turn;
  for (const [path] of tree) {
    if (!protocol || !carries(protocol, path)) continue;
    const texts = fieldsOf(schemaOf(path, 'input')).filter(({ schema }) => schema.type === 'string');
    const input = await sampleOf(path, shop);
    const token = await attackerOf(path, shop);
    // In each field what anything could follow, and one that only some can.
    for (const [field, url] of texts.flatMap((one) => [
      [one, urlOf()] as const,
      [one, urlOf(hosts[turn++ % hosts.length])] as const,
    ])) {
      const headers = { referer: url, 'x-forwarded-host': url, 'x-original-url': url, link: `<${url}>; rel=preload` };
      const answer = await protocol.call({ path, input: put(input, field.path, url), token, headers });
      const told = `${path} with ${field.path} = ${url} over ${name}: ${answer.text.slice(0, 300)}`;
      expect(answer.status, told).toBeLessThan(500);
      expect(visits, told).toBe(before);
    }
  }
  // Whatever is done later, by a job, is done soon.
  await sleep(1500);
  expect(visits).toBe(before);
  expect(turn - kept).toBeGreaterThan(100);
});
