import { InvalidArgumentError, Option, type Command } from 'commander';
import { openDatabase } from '@olympus/database';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { verifyAll, type KeptHead } from '../audit/verify-all.ts';
import { readClientConfig, readConfig } from '../config.ts';
import { signIn } from './import-upload.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const verifyExamples = `
Reads the database that DATABASE_URL names, or the embedded one, which a running server must not hold at the same time.
Ends with 1 when a chain is broken.

Examples:
  $ pnpm olympus audit verify
  $ pnpm olympus audit verify --tenant 01890a5d-ac96-774b-bcce-b302099a8057 --head 1024:9f86d0…`;
const exportExamples = `
The server and the sign-in may also come from OLYMPUS_URL, OLYMPUS_EMAIL and OLYMPUS_PASSWORD.

Examples:
  $ pnpm olympus audit export --from 2026-01-01T00:00:00Z > audit.ndjson
  $ pnpm olympus audit export audit.csv --format csv --outcome denied`;

interface ExportFlags {
  readonly format: 'csv' | 'ndjson';
  readonly from?: string;
  readonly to?: string;
  readonly outcome?: string;
  readonly procedure?: string;
  readonly url?: string;
  readonly email?: string;
  readonly password?: string;
}

/** `olympus audit verify` and `olympus audit export`. */
export function auditCommands(program: Command): void {
  const audit = program.command('audit').description('check and export the audit log');
  audit
    .command('verify')
    .description('recompute the chains of hashes, and name the first entry of each that is broken')
    .option('--tenant <id>', 'only this one', tenantOf)
    .option('--head <sequence:hash>', 'a head that was kept elsewhere; needs --tenant', keptOf)
    .addHelpText('after', verifyExamples)
    .action(verify);
  audit
    .command('export')
    .description('write the audit log of a tenant')
    .argument('[file]', 'where to; standard output when absent')
    .addOption(new Option('--format <name>', 'how').choices(['csv', 'ndjson']).default('ndjson'))
    .option('--from <instant>', 'first instant, such as 2026-01-01T00:00:00Z')
    .option('--to <instant>', 'last instant, not included')
    .addOption(new Option('--outcome <name>', 'only these').choices(['success', 'denied', 'failed']))
    .option('--procedure <path>', 'only these, such as orders.cancel')
    .option('--url <url>', 'the server; http://localhost:4000 when absent')
    .option('--email <address>', 'whom to sign in')
    .option('--password <password>', 'better from OLYMPUS_PASSWORD: others on this machine may see options')
    .addHelpText('after', exportExamples)
    .action(exportLog);
}

async function verify({ tenant, head }: { tenant?: string; head?: KeptHead }): Promise<void> {
  if (head && tenant === undefined) throw new Error('--head needs --tenant, whose head it was');
  const database = await openDatabase({ ...readConfig().database, migrate: false });
  try {
    let chains = 0;
    let broken = 0;
    const scope = { ...(tenant === undefined ? {} : { tenantId: tenant }), ...(head ? { kept: head } : {}) };
    for await (const report of verifyAll(database, scope)) {
      chains++;
      if (report.brokenAt !== null) broken++;
      const state =
        report.brokenAt === null
          ? `ok, ${report.checked} entries, head ${report.head.sequence}:${report.head.hash}`
          : `BROKEN at ${report.brokenAt}: ${report.reason}`;
      process.stdout.write(`${report.tenantId} ${state}\n`);
    }
    process.stderr.write(`${chains} ${chains === 1 ? 'chain' : 'chains'}, ${broken} broken\n`);
    process.exitCode = broken > 0 ? 1 : 0;
  } finally {
    await database.close();
  }
}

async function exportLog(file: string | undefined, flags: ExportFlags): Promise<void> {
  const { url = 'http://localhost:4000', email, password } = { ...readClientConfig(), ...flags };
  if (!email || !password)
    throw new Error('who signs in? Give --email and --password, or OLYMPUS_EMAIL and OLYMPUS_PASSWORD');
  const token = await signIn(url, { email, password });
  const { format, from, to, outcome, procedure } = flags;
  const target = new URL('/api/v1/audit/export', url);
  for (const [name, value] of Object.entries({ format, from, to, outcome, procedure }))
    if (value !== undefined) target.searchParams.set(name, value);
  const response = await fetch(target, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok || !response.body) {
    const { detail } = (await response.json().catch(() => ({}))) as { detail?: string };
    throw new Error(`the export was refused: ${detail ?? `HTTP ${response.status}`}`);
  }
  const body = Readable.fromWeb(response.body);
  if (file === undefined) await pipeline(body, process.stdout, { end: false });
  else await pipeline(body, createWriteStream(file, { mode: 0o600 }));
}

function tenantOf(text: string): string {
  if (!uuid.test(text)) throw new InvalidArgumentError('It must be the id of a tenant.');
  return text.toLowerCase();
}

function keptOf(text: string): KeptHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a sequence and a hash, such as 1024:9f86d0….');
  return { sequence: Number(match[1]), hash: match[2]!.toLowerCase() };
}
