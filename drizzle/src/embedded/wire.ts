/** The few messages of PostgreSQL's frontend/backend protocol 3.0 that the gateway reads or writes itself. */

export const messageType = {
  parse: 0x50, // P
  bind: 0x42, // B
  close: 0x43, // C
  query: 0x51, // Q
  sync: 0x53, // S
  flush: 0x48, // H
  terminate: 0x58, // X
  commandComplete: 0x43, // C
  error: 0x45, // E
  notification: 0x41, // A
  readyForQuery: 0x5a, // Z
} as const;

export const idle = 0x49; // I, in ReadyForQuery: no transaction is open

export const startupCode = { protocol3: 196608, cancel: 80877102, ssl: 80877103, gss: 80877104 } as const;

const headerLength = 5;

/** A message with its type, its length and its body. */
export function frame(type: number, ...parts: (Uint8Array | string)[]): Buffer {
  const body = parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part));
  const head = Buffer.alloc(headerLength);
  head[0] = type;
  head.writeInt32BE(
    body.reduce((sum, part) => sum + part.length, 4),
    1,
  );
  return Buffer.concat([head, ...body]);
}

export function query(text: string): Buffer {
  return frame(messageType.query, text);
}

export const sync = frame(messageType.sync);

export function closeStatement(name: string): Buffer {
  return frame(messageType.close, Buffer.from('S'), name);
}

function readyForQuery(): Buffer {
  return frame(messageType.readyForQuery, Buffer.from([idle]));
}

/** `severity` FATAL tells the client that the connection ends. */
export function error(severity: 'ERROR' | 'FATAL', code: string, message: string): Buffer {
  return frame(messageType.error, `S${severity}`, `V${severity}`, `C${code}`, `M${message}`, Buffer.from([0]));
}

/** What a server says to a client that may come in. */
export function welcome(parameters: Record<string, string>, processId: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeInt32BE(processId, 0);
  return Buffer.concat([
    frame(0x52, Buffer.alloc(4)), // R: authentication is over
    ...Object.entries(parameters).map(([name, value]) => frame(0x53, name, value)), // S: ParameterStatus
    frame(0x4b, key), // K: BackendKeyData
    readyForQuery(),
  ]);
}

/** Settings of a startup packet: `user`, `database`, `role`, … */
export function readStartup(packet: Buffer): Map<string, string> {
  const words = packet.toString('utf8', 8).split('\0');
  const settings = new Map<string, string>();
  for (let at = 0; at + 1 < words.length && words[at]; at += 2) settings.set(words[at] ?? '', words[at + 1] ?? '');
  return settings;
}

/** The text up to the next zero byte. */
export function readText(message: Buffer, at: number): string {
  return message.toString('utf8', at, message.indexOf(0, at));
}

/** Length of the message that starts at `at`, type included, or undefined where its header is not complete. */
export function frameLength(bytes: Buffer, at: number): number | undefined {
  return bytes.length - at < headerLength ? undefined : bytes.readInt32BE(at + 1) + 1;
}

/** Calls `each` with every complete message; returns where the rest begins. */
export function eachFrame(bytes: Buffer, each: (message: Buffer, type: number, at: number) => void): number {
  let at = 0;
  for (;;) {
    const length = frameLength(bytes, at);
    if (length === undefined || at + length > bytes.length) return at;
    each(bytes.subarray(at, at + length), bytes[at] ?? 0, at);
    at += length;
  }
}
