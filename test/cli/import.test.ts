import type { Order, OrderSummary } from '@olympus/contracts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sql } from '@olympus/database';
import { importCommand } from '@olympus/server/cli/import.ts';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../data/olympus-cli.ts';
import { rest, startOlympus, type Olympus, type Session } from '../harness.ts';

const password = 'correct horse battery';
const csv = [
  'Invoice,Item,Text,Qty,When,Price,Who,Where',
  'R1, a ,"Mug, red",-2,12/1/2010 8:26,2.55,17850,EIRE',
  '2,A,,3,7/1/2011 0:30,0.001,,',
  '2,A,,3,7/1/2011 0:30,0.001,,',
].join('\n');
/** The same in two xz streams with padding between them, as `xz` and `cat` make them. */
const xz = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQA7SW52b2ljZSxJdGVtLFRleHQsUXR5LFdoZW4sUHJpY2UsV2hvLFdoZXJlClIxLCBhICwiTXVn' +
    'LCByZWQiAFbf9w/JhJlZAAFUPPxRPtEftvN9AQAAAAAEWVoAAAAA/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABbADxdABYLQqk2awly8Z1A' +
    'XTxD3aPzKppdbPSZMyHuB5OJQq24bkVHYOyZN/Ylyl+07nswdYzxAHd9zA8ZxdOgAADLKpjemZRgfQABWFyofzkwH7bzfQEAAAAABFla',
  'base64',
);
const flags = [
  '--columns',
  'Invoice=number,Item=sku,Text=description,Qty=quantity,When=placedAt,Price=unitPrice,Who=customer,Where=country',
  '--kinds',
  'R=return',
  '--dates',
  'M/D/YYYY H:MM',
];

describe('olympus import orders', () => {
  let olympus: Olympus;
  let shop: Session;
  let folder: string;
  beforeAll(async () => {
    olympus = await startOlympus();
    shop = await olympus.tenant({ password });
    folder = await mkdtemp(join(tmpdir(), 'olympus-cli-'));
  });
  afterAll(async () => {
    await olympus.close();
    await rm(folder, { recursive: true });
  });

  const file = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  /** The command within this process, which spares two seconds of starting one for each case. */
  async function run(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; output: string }> {
    let output = '';
    const write = (chunk: unknown) => (output += String(chunk)) !== '';
    const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(write));
    const signIn = { OLYMPUS_URL: olympus.url, OLYMPUS_EMAIL: shop.user.email, OLYMPUS_PASSWORD: password };
    for (const [name, value] of Object.entries({ ...signIn, ...env })) vi.stubEnv(name, value);
    const program = new Command('olympus').exitOverride();
    importCommand(program);
    for (const command of [program.commands[0], program.commands[0]?.commands[0]]) command?.exitOverride();
    try {
      await program.parseAsync(['import', 'orders', ...args], { from: 'user' });
      return { code: Number(process.exitCode ?? 0), output };
    } catch (error) {
      const { exitCode = 1, message } = error as { exitCode?: number; message: string };
      return { code: exitCode, output: `${output}${message}` };
    } finally {
      process.exitCode = undefined;
      spies.forEach((spy) => spy.mockRestore());
      vi.unstubAllEnvs();
    }
  }

  it.each<[string, string | Uint8Array]>([
    ['lines.csv', csv],
    ['lines.csv.gz', Buffer.concat([gzipSync(csv.slice(0, 50)), gzipSync(csv.slice(50))])],
    ['lines.csv.xz', xz],
  ])('imports %s', async (name, content) => {
    shop = await olympus.tenant({ password });
    const ran = await run([await file(name, content), ...flags]);
    expect(ran, ran.output).toMatchObject({ code: 0 });
    expect(ran.output).toContain('Imported 3 of 3 lines, 0 with faults; 2 orders, 2 products, 1 customers.');
    const stale = await olympus.app.database.systemDb.rows(sql`select month from stale_months`);
    expect(stale, 'who imports looks at figures next').toEqual([]);
    const token = shop.accessToken;
    const { body } = await rest<{ items: OrderSummary[] }>(olympus.url, { path: '/orders?sort=number', token });
    expect(body.items).toMatchObject([
      { number: '2', kind: 'sale', units: 6, total: { amount: '0.006' }, placedAt: '2011-06-30T23:30:00.000Z' },
      { number: 'R1', kind: 'return', units: -2, total: { amount: '-5.10' }, country: 'EIRE' },
    ]);
    const { body: order } = await rest<Order>(olympus.url, { path: `/orders/${body.items[1]?.id}`, token });
    expect(order.items).toMatchObject([{ sku: ' a ', name: 'Mug, red' }]);
  });

  it('imports what is piped into it', async () => {
    const line = { number: 'j1', sku: 'j', quantity: 1, placedAt: '2010-12-01T08:26Z', unitPrice: '1' };
    const env = { OLYMPUS_URL: olympus.url, OLYMPUS_EMAIL: shop.user.email, OLYMPUS_PASSWORD: password };
    const ran = await runCli(['import', 'orders', '-', '--format', 'ndjson'], env, JSON.stringify(line));
    expect(ran, ran.output).toMatchObject({ code: 0 });
    expect(ran.output).toContain('Imported 1 of 1 lines');
  });

  it('prints the faults of lines, and fails when it is refused', async () => {
    const path = await file('faults.csv', `${csv}\nbroken\n3,b,,x,12/1/2010 8:26,1,,`);
    const faults = /line 5: has 1 cell where 8 were expected\nline 6: quantity must be a whole number, not 'x'\n/;
    const strict = await run([path, ...flags, '--strict']);
    expect(strict.code).toBe(1);
    expect(strict.output).toMatch(faults);
    expect(strict.output).toContain('Refused (IMPORT_REFUSED): The input has faults and nothing was imported');
    const checked = await run([path, ...flags, '--dry-run']);
    expect(checked.code).toBe(0);
    expect(checked.output).toMatch(faults);
    expect(checked.output).toContain('Checked 5 lines: 2 with faults');
    const unmapped = await run([path]);
    expect(unmapped.code).toBe(1);
    expect(unmapped.output).toContain("Refused (INVALID_INPUT): columns: 'Invoice' is not a column of this import");
  });

  it.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'a cut archive',
      'cut.csv.gz',
      gzipSync(csv).subarray(0, -12),
      /cut\.csv\.gz cannot be read \(unexpected end of file\)/,
    ],
    ['what is no archive', 'plain.csv.gz', csv, /plain\.csv\.gz cannot be read \(incorrect header check\)/],
    ['a cut xz archive', 'cut.csv.xz', xz.subarray(0, 150), /cut\.csv\.xz cannot be read \(/],
    ['a broken xz archive', 'bad.csv.xz', Buffer.from(xz).fill(7, 60, 90), /bad\.csv\.xz cannot be read \(/],
  ])('says so of %s', async (_, name, content, message) => {
    const ran = await run([await file(name, content), ...flags]);
    expect(ran.code).toBe(1);
    expect(ran.output).toMatch(message);
    expect(ran.output.trim().split('\n')).toHaveLength(1);
  });

  it('says what is wrong with the file, the sign-in or the server', async () => {
    const path = await file('plain.csv', csv);
    const cases: [string[], Record<string, string>, RegExp][] = [
      [[join(folder, 'nope.csv')], {}, /nope\.csv cannot be imported: it does not exist/],
      [[folder], {}, /cannot be imported: it is no file/],
      [
        [path],
        { OLYMPUS_PASSWORD: 'another password' },
        /the sign-in was refused: E-mail address or password is wrong/,
      ],
      [[path], { OLYMPUS_PASSWORD: '' }, /who signs in\? Give --email and --password/],
      [[path], { OLYMPUS_URL: `http://127.0.0.1:${await unusedPort()}` }, /cannot be reached: connect ECONNREFUSED/],
      [[path], { OLYMPUS_URL: 'localhost' }, /must be an address such as http:\/\/localhost:4000/],
      [[path, '--preset', 'online-retial'], {}, /Allowed choices are online-retail/],
      [[await file('empty.csv', '')], {}, /Refused \(INVALID_INPUT\): content/],
      [['--help'], {}, /Examples:[\s\S]*--preset online-retail/],
    ];
    for (const [args, env, message] of cases) {
      const ran = await run(args, env);
      expect(ran.output).toMatch(message);
      expect(ran.code).toBe(args.includes('--help') ? 0 : 1);
    }
  });

  it('says so when the server goes away midway', async () => {
    const port = await listening(
      createServer((request, response) => {
        if (request.url?.endsWith('/login')) response.end(JSON.stringify({ accessToken: 'token' }));
        else request.once('data', () => request.socket.destroy());
      }),
    );
    const ran = await run([await file('long.csv', csv.repeat(20_000))], { OLYMPUS_URL: `http://127.0.0.1:${port}` });
    expect(ran.code).toBe(1);
    expect(ran.output).toMatch(/the import broke off: .*What was imported stays; import the file again to complete it/);
  });

  const servers: Server[] = [];
  afterAll(() => servers.forEach((server) => server.close()));
  async function listening(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  }
  async function unusedPort(): Promise<number> {
    const server = createServer();
    const port = await listening(server);
    await new Promise((done) => server.close(done));
    return port;
  }
});
