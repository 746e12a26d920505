import { spawn } from 'node:child_process';

/** Runs a program of the system, and ends it when its time is over; what it wrote, and whether it came to its end. */
export function command(
  name: string,
  args: readonly string[],
  { seconds, input }: { seconds: number; input?: Buffer },
): Promise<{ output: Buffer; finished: boolean }> {
  return new Promise((done, fail) => {
    const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let finished = true;
    const timer = setTimeout(() => {
      finished = false;
      child.kill('SIGKILL');
    }, seconds * 1000);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (error) => {
      clearTimeout(timer);
      fail(new Error(`${name} is not here: apt-get install sqlmap slowhttptest zzuf`, { cause: error }));
    });
    child.once('close', () => {
      clearTimeout(timer);
      done({ output: Buffer.concat(chunks), finished });
    });
  });
}
