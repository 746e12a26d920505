import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { createAdmits, plainBlock, type AddressLists, type Admits } from './address-list.ts';

/** The operator's lists, for every call to the installation. */
export interface GlobalAddresses {
  readonly admits: Admits;
  /** Called whenever the lists have changed. */
  onChange(listener: () => void): void;
  /** Reads the file again, which otherwise happens within half a second after it has changed. */
  reload(): void;
  close(): void;
}

/** What is wrong with a file, by its lines. */
export class AddressFileError extends Error {
  override readonly name = 'AddressFileError';
}

const maxRules = 10_000;
const lookEveryMs = 400;

/** `allow BLOCK` and `block BLOCK` on lines of their own; `#` starts a comment. Throws an `AddressFileError` that names all faults. */
export function readAddressRules(text: string): AddressLists {
  const lists = { allow: [] as string[], block: [] as string[] };
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [verb = '', block, ...more] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/);
    if (verb === '') continue;
    const plain = block === undefined ? null : plainBlock(block);
    if ((verb === 'allow' || verb === 'block') && plain !== null && more.length === 0) lists[verb].push(plain);
    else faults.push(`line ${index + 1} must be allow or block and an address or a block such as 203.0.113.0/24`);
  }
  if (lists.allow.length + lists.block.length > maxRules) faults.push(`there must be at most ${maxRules} rules`);
  if (faults.length > 0) throw new AddressFileError(faults.slice(0, 10).join('; '));
  return lists;
}

/**
 * Follows a file of lists. Throws when it cannot be read at first; later, a file with faults leaves the lists as they are
 * and is logged. Without a file everybody is admitted.
 */
export function watchAddressFile(file: string | null, log: Pick<Logger, 'info' | 'error'>): GlobalAddresses {
  if (file === null) return { admits: () => true, onChange() {}, reload() {}, close() {} };
  const listeners = new Set<() => void>();
  let text = readFileSync(file, 'utf8');
  let admits = createAdmits(readAddressRules(text));
  const reload = (): void => {
    try {
      const now = readFileSync(file, 'utf8');
      if (now === text) return;
      const lists = readAddressRules(now);
      [text, admits] = [now, createAdmits(lists)];
      log.info({ file, allow: lists.allow.length, block: lists.block.length }, 'the address rules have changed');
      for (const listener of listeners) listener();
    } catch (err) {
      log.error({ file, err }, 'the address rules could not be read; those read last still hold');
    }
  };
  // Looked at, since what watches files misses those that are replaced by a link, as orchestrators do.
  watchFile(file, { interval: lookEveryMs, persistent: false }, reload);
  return {
    admits: (address) => admits(address),
    onChange: (listener) => void listeners.add(listener),
    reload,
    close: () => unwatchFile(file, reload),
  };
}
