import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Another live process works on the folder. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
  readonly folder: string;
  /** Its process id, where the system tells. */
  readonly processId: number | undefined;

  constructor(folder: string, processId: number | undefined) {
    const holder = processId === undefined ? 'another process' : `process ${processId}`;
    super(`the embedded database in ${folder} is in use by ${holder}; stop it first, or choose another folder`);
    this.folder = folder;
    this.processId = processId;
  }
}

export interface FolderLock {
  release(): Promise<void>;
}

/** Two that ask at the same moment see each other and both step back; so they try again, at different moments. */
const attempts = 8;

/** Longest path of a socket, by the smaller limit of macOS. */
const maxSocketPath = 103;

/**
 * Locks a folder for this process. A lock is a listening socket, which the system closes with its process whatever ends
 * it: a lock left behind refuses connections and is swept away at once, also across containers that share the folder.
 * Throws `DataFolderInUse`.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = realpathSync(folder);
  return process.platform === 'win32' ? lockByPipe(real) : lockBySocket(real);
}

async function lockBySocket(folder: string): Promise<FolderLock> {
  let holder: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const own = await Announcement.make(folder);
    holder = await findHolder(own);
    if (holder === undefined) return { release: () => own.withdraw() };
    await own.withdraw();
    await sleep(10 + Math.random() * 90);
  }
  throw new DataFolderInUse(folder, Number(holder?.split('-')[1]) || undefined);
}

/** Everyone announces first and looks second, so of two at least one sees the other. */
async function findHolder(own: Announcement): Promise<string | undefined> {
  for (const name of readdirSync(own.place)) {
    if (!name.startsWith('lock-') || name === own.name) continue;
    if (await answers(join(own.reach, name))) return name;
    rmSync(join(own.place, name), { force: true });
  }
  return undefined;
}

/** A socket that listens under `lock-<process id>-<random>`. It gets that name once it listens: a lock that refuses is dead. */
class Announcement {
  readonly place: string;
  /** The same folder by a path short enough for a socket. */
  readonly reach: string;
  readonly name = `lock-${process.pid}-${randomBytes(4).toString('hex')}`;
  private readonly server: Server;
  private readonly shortcut: string | undefined;

  private constructor(place: string, server: Server) {
    this.place = place;
    this.server = server;
    this.shortcut = join(place, this.name).length > maxSocketPath ? mkdtempSync(join(tmpdir(), 'olympus-')) : undefined;
    this.reach = this.shortcut === undefined ? place : join(this.shortcut, 'f');
    if (this.shortcut !== undefined) symlinkSync(place, this.reach);
  }

  static async make(folder: string): Promise<Announcement> {
    try {
      return await Announcement.at(folder);
    } catch {
      // Some file systems hold no sockets. Then the lock covers this machine's users of one temporary folder.
      const place = join(tmpdir(), `olympus-lock-${digest(folder)}`);
      mkdirSync(place, { recursive: true, mode: 0o700 });
      return Announcement.at(place);
    }
  }

  private static async at(place: string): Promise<Announcement> {
    const own = new Announcement(
      place,
      createServer((socket) => socket.destroy()),
    );
    const hidden = `.${own.name}`;
    try {
      await listen(own.server, join(own.reach, hidden));
      renameSync(join(place, hidden), join(place, own.name));
      return own;
    } catch (error) {
      await own.withdraw();
      throw error;
    }
  }

  async withdraw(): Promise<void> {
    rmSync(join(this.place, this.name), { force: true });
    await new Promise((done) => this.server.close(done));
    if (this.shortcut !== undefined) rmSync(this.shortcut, { recursive: true, force: true });
  }
}

/** A named pipe belongs to the first process that makes it, and goes with it. */
async function lockByPipe(folder: string): Promise<FolderLock> {
  const server = createServer((socket) => socket.end(String(process.pid)));
  const path = `\\\\.\\pipe\\olympus-${digest(folder.toLowerCase())}`;
  try {
    await listen(server, path);
  } catch {
    throw new DataFolderInUse(folder, await readProcessId(path));
  }
  return { release: () => new Promise((done) => server.close(() => done())) };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(path, () => {
      server.unref();
      done();
    });
  });
}

/** Only a clear refusal means that nobody listens: a holder too busy to take the connection is alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function readProcessId(path: string): Promise<number | undefined> {
  return new Promise((done) => {
    const socket = connect(path);
    let text = '';
    socket.setTimeout(300, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => {});
    socket.once('close', () => done(Number(text) || undefined));
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
