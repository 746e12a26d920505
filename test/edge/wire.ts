import { once } from 'node:events';
import { connect } from 'node:net';

/** What came back over a connection, and whether the server ended it. */
export interface Told {
  readonly text: string;
  /** The status of each answer, in order. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

/** Sends bytes as they are, and reads until the server closes or has said nothing for `quietMs`. */
export async function tell(url: string, bytes: string | readonly string[], quietMs = 400): Promise<Told> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let text = '';
  let quiet: NodeJS.Timeout | undefined;
  const ended = new Promise<boolean>((done) => {
    const wait = () => {
      clearTimeout(quiet);
      quiet = setTimeout(done, quietMs, false);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      wait();
    });
    socket.once('close', () => done(true));
    socket.on('error', () => done(true));
    wait();
  });
  for (const part of [bytes].flat()) {
    if (socket.writable) socket.write(part, 'latin1');
    await new Promise((done) => setTimeout(done, 5));
  }
  const closed = await ended;
  clearTimeout(quiet);
  socket.destroy();
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  return { text, statuses, closed };
}
