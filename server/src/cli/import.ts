import { Option, type Command } from 'commander';
import { readClientConfig } from '../config.ts';
import { openSource } from './import-source.ts';
import { printReport, showProgress } from './import-output.ts';
import { signIn, upload } from './import-upload.ts';

/** How known files name their columns and write their values. */
const presets: Readonly<Record<string, Pick<ImportFlags, 'columns' | 'kinds' | 'dates'>>> = {
  'online-retail': {
    columns:
      'InvoiceNo=number,StockCode=sku,Description=description,Quantity=quantity,InvoiceDate=placedAt,UnitPrice=unitPrice,CustomerID=customer,Country=country',
    kinds: 'C=return,A=adjustment',
    dates: 'M/D/YYYY H:MM',
  },
};

interface ImportFlags {
  readonly preset?: string;
  readonly columns?: string;
  readonly kinds?: string;
  readonly dates?: string;
  readonly format?: 'csv' | 'ndjson';
  readonly dryRun?: boolean;
  readonly strict?: boolean;
  readonly url?: string;
  readonly email?: string;
  readonly password?: string;
}

const examples = `
Targets of --columns: number sku description quantity placedAt unitPrice customer country kind.
Without --columns the header names them itself, as an export does.

Examples:
  $ pnpm olympus import orders online-retail.csv.xz --preset online-retail --email me@shop.example
  $ pnpm olympus import orders lines.csv --columns 'Invoice=number,Item=sku,Qty=quantity,Date=placedAt,Price=unitPrice'
  $ zcat lines.csv.gz | pnpm olympus import orders - --kinds R=return --strict
  $ pnpm olympus import orders lines.ndjson.gz --dry-run

The server and the sign-in may also come from OLYMPUS_URL, OLYMPUS_EMAIL and OLYMPUS_PASSWORD.`;

/** `olympus import orders FILE`: reads a file, signs in, and streams it to the server. */
export function importCommand(program: Command): void {
  program
    .command('import')
    .description('import from a file')
    .command('orders')
    .description('import order lines; products, customers and orders come from them')
    .argument('<file>', 'CSV or NDJSON, plain, .gz or .xz; - for standard input')
    .addOption(new Option('--preset <name>', 'columns, kinds and dates of a known file').choices(Object.keys(presets)))
    .option('--columns <list>', "which column is which field: 'SOURCE=target,…'")
    .option('--kinds <list>', "kind by prefix of the number: 'C=return,A=adjustment'")
    .addOption(new Option('--dates <style>', 'how instants are written').choices(['ISO', 'M/D/YYYY H:MM']))
    .addOption(new Option('--format <name>', 'by the name of the file when absent').choices(['csv', 'ndjson']))
    .option('--dry-run', 'check only')
    .option('--strict', 'refuse the whole file when one line has a fault')
    .option('--url <url>', 'the server; http://localhost:4000 when absent')
    .option('--email <address>', 'whom to sign in')
    .option('--password <password>', 'better from OLYMPUS_PASSWORD: others on this machine may see options')
    .addHelpText('after', examples)
    .action(importOrders);
}

async function importOrders(file: string, flags: ImportFlags): Promise<void> {
  const { url = 'http://localhost:4000', email, password } = { ...readClientConfig(), ...flags };
  if (!email || !password)
    throw new Error('who signs in? Give --email and --password, or OLYMPUS_EMAIL and OLYMPUS_PASSWORD');
  if (!URL.canParse(url))
    throw new Error(`the server's --url must be an address such as http://localhost:4000, not ${url}`);
  const source = await openSource(file, flags.format);
  const token = await signIn(url, { email, password });

  const { columns, kinds, dates } = { ...(flags.preset ? presets[flags.preset] : {}), ...flags };
  const query = new URLSearchParams(
    Object.entries({
      columns,
      kinds,
      dates,
      dryRun: flags.dryRun ? 'true' : undefined,
      strict: flags.strict ? 'true' : undefined,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const progress = showProgress(source);
  const answer = await upload(url, { path: `/api/v1/orders/import?${query}`, token, source }).finally(() =>
    progress.end(),
  );
  process.exitCode = printReport(answer) ? 0 : 1;
}
