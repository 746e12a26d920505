import type { ConsumerStanding, DeadLetter } from '@olympus/contracts';
import { Option, type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { connect, withSignIn, type RemoteFlags } from './remote.ts';

const examples = `
The server and the sign-in may also come from OLYMPUS_URL, OLYMPUS_EMAIL and OLYMPUS_PASSWORD.

Examples:
  $ pnpm olympus events consumers
  $ pnpm olympus events dead-letters list --consumer webhooks
  $ pnpm olympus events dead-letters redrive --consumer webhooks            # says what it would do
  $ pnpm olympus events dead-letters redrive --consumer webhooks --execute
  $ pnpm olympus events replay --consumer webhooks --from 2026-01-01T00:00:00Z --execute`;

interface ListFlags extends RemoteFlags {
  readonly consumer?: string;
  readonly type?: string;
  readonly state?: string;
  readonly limit: string;
}
interface RedriveFlags extends RemoteFlags {
  readonly consumer?: string;
  readonly type?: string;
  readonly execute?: true;
}
interface ReplayFlags extends RemoteFlags {
  readonly consumer: string;
  readonly type?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly execute?: true;
}

const print = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
const optional = <T>(name: string, value: T | undefined): Record<string, T> =>
  value === undefined ? {} : { [name]: value };

/** `olympus events consumers`, `dead-letters …` and `replay`. */
export function eventsCommands(program: Command): void {
  const events = program
    .command('events')
    .description('events that could not be handled, and handing events over again');
  withSignIn(
    events
      .command('consumers')
      .description('one line each: name, events it is behind, since when, dead, tried again, held, events it takes'),
  ).action(consumers);
  const letters = events.command('dead-letters').description('events that a consumer has given up');
  withSignIn(letters.command('list').description('one line each, newest first'))
    .option('--consumer <name>', 'only those of this one')
    .option('--type <name>', 'only these events, such as order.created')
    .addOption(new Option('--state <name>', 'which').choices(['dead', 'retrying', 'held']).default('dead'))
    .option('--limit <number>', 'at most so many, up to 100', '100')
    .addHelpText('after', examples)
    .action(list);
  withSignIn(letters.command('show').description('everything of one, as JSON').argument('<id>')).action(
    async (id: string, flags: RemoteFlags) => {
      const call = await connect(flags);
      print(await call({ method: 'GET', path: pathOf(id) }));
    },
  );
  withSignIn(letters.command('edit').description('give one other content').argument('<id>').argument('<file>', 'JSON'))
    .addHelpText('after', '\nThe file holds the whole `payload`, as `show` tells it.')
    .action(async (id: string, file: string, flags: RemoteFlags) => {
      const payload: unknown = JSON.parse(await readFile(file, 'utf8'));
      const call = await connect(flags);
      print(await call({ method: 'PATCH', path: pathOf(id), body: { payload } }));
    });
  withSignIn(
    letters.command('redrive').description('try them again').argument('[ids...]', 'all that match when absent'),
  )
    .option('--consumer <name>', 'only those of this one')
    .option('--type <name>', 'only these events')
    .option('--execute', 'do it; without this it only says what would be done')
    .addHelpText('after', examples)
    .action(redrive);
  withSignIn(letters.command('discard').description('give one up for good').argument('<id>')).action(
    async (id: string, flags: RemoteFlags) => {
      const call = await connect(flags);
      await call({ method: 'DELETE', path: pathOf(id) });
      process.stderr.write('discarded\n');
    },
  );
  withSignIn(events.command('replay').description('hand kept events to a consumer again'))
    .requiredOption('--consumer <name>', 'to whom')
    .option('--type <names...>', 'only these events')
    .option('--from <instant>', 'first instant, such as 2026-01-01T00:00:00Z')
    .option('--to <instant>', 'last instant, not included')
    .option('--execute', 'do it; without this it only counts')
    .addHelpText('after', examples)
    .action(replay);
}

const pathOf = (id: string): string => `/events/dead-letters/${encodeURIComponent(id)}`;

async function consumers(flags: RemoteFlags): Promise<void> {
  const call = await connect(flags);
  const { items } = (await call({ method: 'GET', path: '/events/consumers' })) as {
    items: (Omit<ConsumerStanding, 'since'> & { since: string | null })[];
  };
  for (const { consumer, behind, since, dead, retrying, held, types } of items)
    process.stdout.write(`${[consumer, behind, since ?? '-', dead, retrying, held, types.join(',')].join('\t')}\n`);
}

async function list({ consumer, type, state, limit, ...flags }: ListFlags): Promise<void> {
  const call = await connect(flags);
  const query = { consumer, type, state, limit };
  const page = (await call({ method: 'GET', path: '/events/dead-letters', query })) as {
    items: (Omit<DeadLetter, 'createdAt'> & { createdAt: string })[];
    nextCursor: string | null;
  };
  for (const { id, createdAt, consumer: of, type: what, subjectId, attempts, error } of page.items)
    process.stdout.write(`${[id, createdAt, of, what, subjectId ?? '-', attempts, error ?? '-'].join('\t')}\n`);
  process.stderr.write(`${page.items.length}${page.nextCursor === null ? '' : ' and more'}\n`);
}

async function redrive(ids: string[], { consumer, type, execute, ...flags }: RedriveFlags): Promise<void> {
  const call = await connect(flags);
  const body = {
    ...(ids.length === 0 ? {} : { ids }),
    ...optional('consumer', consumer),
    ...optional('type', type),
    dryRun: execute !== true,
  };
  const told = (await call({ method: 'POST', path: '/events/dead-letters/redrive', body })) as {
    count: number;
    heldBehind: number;
  };
  const verb = execute ? 'are tried again' : 'would be tried again; --execute does it';
  process.stdout.write(`${told.count} dead letters, with ${told.heldBehind} events behind them, ${verb}\n`);
}

async function replay({ consumer, type, from, to, execute, ...flags }: ReplayFlags): Promise<void> {
  const call = await connect(flags);
  const body = {
    consumer,
    ...optional('types', type),
    ...optional('from', from),
    ...optional('to', to),
    dryRun: execute !== true,
  };
  const told = (await call({ method: 'POST', path: '/events/replays', body })) as {
    count: number;
    replayId: string | null;
  };
  const verb = told.replayId ? `are replayed as ${told.replayId}` : 'would be replayed; --execute does it';
  process.stdout.write(`${told.count} events ${execute && !told.replayId ? 'to replay' : verb}\n`);
}
