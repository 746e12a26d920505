import { openDatabase, type Database } from '@olympus/database';
import type { Command } from 'commander';
import { readConfig, type Config } from '../config.ts';
import { systemClock } from '../platform/clock.ts';
import type { StandingKey } from '../platform/key-ring.ts';
import { listKeys, retire, rotate, rotateNow } from '../platform/key-rotation.ts';

type Parts = Parameters<typeof listKeys>[0];

/** What the commands work with. */
interface Surroundings {
  readonly config: () => Config;
  readonly open: (options: Parameters<typeof openDatabase>[0]) => Promise<Database>;
}

/** `olympus keys …`: works on the database alone, and the servers follow within a second. */
export function keysCommand(
  program: Command,
  { config, open }: Surroundings = { config: () => readConfig(), open: openDatabase },
): void {
  const withKeys = async (work: (parts: Parts, config: Config) => Promise<void>): Promise<void> => {
    const read = config();
    if (read.keys.configured)
      throw new Error(
        'The signing keys are configured by OLYMPUS_SIGNING_KEYS: change them there (see Signing keys in docs/operations.md)',
      );
    const database = await open({ ...read.database, connectTimeoutMs: 5000 });
    try {
      await work({ database, clock: systemClock }, read);
    } finally {
      await database.close();
    }
  };
  const keys = program.command('keys').description('the keys that sign access tokens');

  keys
    .command('list')
    .description('every key, newest first, with its state: next, current, previous or retired')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: true }) =>
      withKeys(async (parts) => {
        const rows = (await listKeys(parts)).map(rowOf);
        process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : tableOf(rows));
      }),
    );

  keys
    .command('rotate')
    .description('publish a new key, which signs once everybody has had the time to fetch it; no request fails')
    .option('--now', 'for a key that others have seen: a new one signs at once, and all older ones are revoked')
    .action(({ now }: { now?: true }) =>
      withKeys(async (parts, config) => {
        if (now) {
          const { kid, revoked } = await rotateNow(parts);
          say(`${kid} signs now. Revoked: ${revoked.join(', ') || 'none'}.`);
          say('Access tokens of revoked keys are refused within a second; clients renew them by their refresh tokens.');
          return;
        }
        const { kid, from, made } = await rotate(parts, config.keys.jwksCacheSeconds);
        say(`${kid} ${made ? 'is published and' : 'waits already: it'} signs from ${from.toISOString()} on.`);
      }),
    );

  keys
    .command('retire')
    .description('revoke one key at once: what it signed is refused within a second')
    .argument('<kid>', 'as list shows it')
    .action((kid: string) =>
      withKeys(async (parts) => {
        const outcome = await retire(parts, kid);
        if (outcome === 'unknown') throw new Error(`no key ${kid} is in use; see olympus keys list`);
        if (outcome === 'current')
          throw new Error(`${kid} signs now and needs a successor: use olympus keys rotate, or rotate --now`);
        say(`${kid} is retired.`);
      }),
    );
}

const rowOf = ({ record, state, verifiesUntil }: StandingKey) => ({
  kid: record.kid,
  state,
  createdAt: record.createdAt.toISOString(),
  signsFrom: record.signsFrom.toISOString(),
  verifiesUntil: verifiesUntil?.toISOString() ?? null,
});

function tableOf(rows: readonly ReturnType<typeof rowOf>[]): string {
  const cells = [
    ['KID', 'STATE', 'SIGNS FROM', 'VERIFIES UNTIL'],
    ...rows.map(({ kid, state, signsFrom, verifiesUntil }) => [kid, state, signsFrom, verifiesUntil ?? '']),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const say = (line: string) => void process.stdout.write(`${line}\n`);
