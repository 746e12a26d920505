import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** What runs in processes of its own: by name, its source. */
export const programs = {
  olympus: 'server/src/cli/olympus.ts',
  payments: 'test/resilience/payments/server.ts',
  consuming: 'test/resilience/consuming.ts',
};
/** Where a program is, once it is built. */
export const built = (name: keyof typeof programs): string => join(root, 'server/dist/tested', `${name}.js`);

/** A server in a process of its own, which can be killed. */
export interface Served {
  readonly url: string;
  readonly process: ChildProcess;
  /** The last 20,000 characters that it wrote. */
  output(): string;
  /** Sends a signal, SIGTERM when absent, and resolves to the exit code, or to the signal's name, once the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** Starts what is built, and waits until its output tells the port. */
export async function serve(
  file: string,
  { args = [], env = {}, port }: { args?: string[]; env?: Readonly<Record<string, string>>; port: RegExp },
): Promise<Served> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = new Promise<number | NodeJS.Signals | null>((done) =>
    child.once('exit', (code, signal) => done(code ?? signal)),
  );
  const found = await new Promise<string>((done, fail) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      const match = port.exec(output);
      if (match?.[1]) done(match[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exited.then((code) => fail(new Error(`${file} ended with ${code}: ${output.slice(-2000)}`)));
  });
  return {
    url: `http://127.0.0.1:${found}`,
    process: child,
    output: () => output,
    stop: (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
}

/** The server, built as one that is deployed, on a port of the system's choosing. */
export const olympus = (env: Readonly<Record<string, string>>): Promise<Served> =>
  serve(built('olympus'), {
    args: ['start'],
    env: { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'warn', OLYMPUS_SEED_DEMO: 'off', ...env },
    port: /ready at http:\/\/[^:]+:(\d+)/,
  });
