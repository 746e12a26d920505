import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './commands.ts';
import type { Operation } from './operations.ts';

export interface Finding {
  readonly operation: string;
  /** What was tried: parameters by name, or `path` for the place that an asterisk marks. */
  readonly parameters: readonly string[];
  readonly requests: number;
  readonly seconds: number;
  /** Parameters that were not done when their time was over. */
  readonly unfinished: readonly string[];
  /** Empty where nothing was found. */
  readonly found: readonly string[];
}

interface Options {
  /** Where the operations are. */
  readonly url: string;
  readonly token: string;
  /** Given to each parameter. */
  readonly seconds: number;
  /** Parameters at once. */
  readonly atOnce: number;
}

/** Runs sqlmap over every parameter of every operation, and tells of each operation once it is through. */
export async function runSqlmap(
  operations: readonly Operation[],
  options: Options,
  tell: (finding: Finding) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'olympus-sqlmap-'));
  const queue = operations.flatMap((operation) => {
    const parameters = operation.parameters ?? [null];
    const results: Result[] = [];
    return parameters.map((parameter) => async () => {
      results.push(await attack(operation, { ...options, parameter, folder: join(folder, String(made++)) }));
      if (results.length === parameters.length) tell(findingOf(operation, results));
    });
  });
  let made = 0;
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await next();
  };
  try {
    await Promise.all(Array.from({ length: options.atOnce }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly parameter: string;
  readonly requests: number;
  readonly seconds: number;
  readonly finished: boolean;
  readonly found: readonly string[];
}

async function attack(
  { url, method = 'GET', body, changing = false }: Operation,
  options: Options & { readonly parameter: string | null; readonly folder: string },
): Promise<Result> {
  const { parameter, folder, token, seconds } = options;
  const traffic = `${folder}.traffic`;
  const start = performance.now();
  const { output, finished } = await command(
    'sqlmap',
    [
      '-u',
      options.url + url,
      '--method',
      method,
      ...(body ? ['--data', JSON.stringify(body)] : []),
      ...(parameter === null ? [] : ['-p', parameter]),
      '-H',
      `Authorization: Bearer ${token}`,
      '-H',
      'Content-Type: application/json',
      '--batch',
      '--level=3',
      '--risk=1',
      '--timeout=10',
      '--retries=0',
      '--keep-alive',
      '--flush-session',
      '--ignore-code=400,401,404,406,409,414,422',
      '--disable-coloring',
      '--dbms=PostgreSQL',
      // Otherwise it tries few of these where it has found no other hole.
      '--union-cols=1-30',
      `--technique=${changing ? 'EUSTQ' : 'BEUSTQ'}`,
      '--answers=redirect=N,follow=N',
      '-t',
      traffic,
      '--output-dir',
      folder,
    ],
    { seconds },
  );
  const text = output.toString();
  const sent = await readFile(traffic, 'utf8').catch(() => '');
  await rm(traffic, { force: true });
  return {
    parameter: parameter ?? 'path',
    requests: sent.split('\nHTTP request [#').length - 1,
    seconds: (performance.now() - start) / 1000,
    // What ends early has tried little: a target that is not there, an option that is not known.
    finished: finished && /do not appear to be injectable|identified the following injection point/.test(text),
    // What appears to be a hole is tried again by sqlmap itself, which names it once it is one: an answer of 400 with ids of its
    // own now and then looks like two.
    found: (text.includes('identified the following injection point') ? text.split('\n') : [])
      .filter((line) => /injection point|is vulnerable|appears to be .*injectable|Payload:/i.test(line))
      // `target URL appears to be` is a guess that sqlmap goes on to try.
      .filter((line) => !/do not appear|might not be|false positive|target URL appears to be/i.test(line)),
  };
}

const findingOf = ({ name }: Operation, results: readonly Result[]): Finding => ({
  operation: name,
  parameters: results.map(({ parameter }) => parameter),
  requests: results.reduce((sum, { requests }) => sum + requests, 0),
  seconds: Math.round(results.reduce((sum, one) => sum + one.seconds, 0)),
  unfinished: results.filter(({ finished }) => !finished).map(({ parameter }) => parameter),
  found: results.flatMap(({ found }) => found),
});
