import { contracts, contractsOf } from '@olympus/contracts';
import type { Database } from '@olympus/database';
import type { Command } from 'commander';
import { closest } from 'fastest-levenshtein';
import { explain, type Explanation } from '../domains/access/explain.ts';

/** Exit code of a question that could not be answered; 0 and 1 are answers. */
const unanswered = 2;

const details = `
USER is an e-mail address, the id of a user or of an API key, or the visible prefix of a key.
It ends with 0 when the call is allowed, 1 when it is not, 2 when the question could not be answered.

Reads the database of DATABASE_URL, or the embedded one while no server runs on it.

Examples:
  $ pnpm olympus access explain sam@shop.example orders.import
  $ pnpm olympus access explain olk_4fWq0ZxT9b2K orders.list`;

interface AccessDependencies {
  readonly open: () => Promise<Database>;
  /** Whether the server asks for verified addresses. */
  readonly requireVerifiedEmail: () => boolean;
}

/** `olympus access explain USER PROCEDURE`. */
export function accessCommand(program: Command, { open, requireVerifiedEmail }: AccessDependencies): void {
  program
    .command('access')
    .description('look into who may do what')
    .command('explain')
    .description('say why a user or an API key may call a procedure, or may not')
    .argument('<user>', 'whom')
    .argument('<procedure>', 'what, such as orders.list')
    .addHelpText('after', details)
    .action(async (user: string, path: string) => {
      process.exitCode = unanswered;
      const found = [...contractsOf(contracts)];
      const asked = found.find((one) => one.path === path);
      if (!asked) {
        const nearest = closest(
          path,
          found.map((one) => one.path),
        );
        throw new Error(`there is no procedure ${path}; the nearest is ${nearest}`);
      }
      const database = await open();
      try {
        const now = new Date();
        const { contract } = asked;
        const question = { contract, now, requireVerifiedEmail: requireVerifiedEmail() };
        const explanation = await explain(database.systemDb, user, question);
        if (!explanation) throw new Error(`there is no user and no API key ${user}`);
        process.stdout.write(render(explanation, path));
        process.exitCode = explanation.allowed ? 0 : 1;
      } finally {
        await database.close();
      }
    });
}

function render({ who, allowed, facts }: Explanation, path: string): string {
  const mark = (holds: boolean | null) => (holds === null ? '  ' : holds ? 'ok' : 'NO');
  const lines = facts.map(({ label, holds, text }) => `  ${mark(holds)}  ${label.padEnd(11)} ${text}`);
  return `${who} ${allowed ? 'may' : 'may NOT'} call ${path}\n\n${lines.join('\n')}\n`;
}
