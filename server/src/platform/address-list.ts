import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { BlockList, isIP } from 'node:net';

/** Addresses (`203.0.113.9`) and blocks (`203.0.113.0/24`, `2001:db8::/32`). */
export interface AddressLists {
  /** When it names any, all others are kept out. */
  readonly allow: readonly string[];
  /** Kept out, whatever is allowed. */
  readonly block: readonly string[];
}
/** Whether an address may call. */
export type Admits = (address: string) => boolean;

interface Block {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** A block with the bits of hosts taken away; null for what is none. IPv4 in IPv6 clothes is IPv4. */
function readBlock(text: string): Block | null {
  try {
    const [parsed, given] = text.includes('/') ? ipaddr.parseCIDR(text) : [ipaddr.parse(text), undefined];
    const isMapped = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress();
    if (isMapped && given !== undefined && given < 96) return null;
    const address = isMapped ? parsed.toIPv4Address() : parsed;
    const family = address.kind();
    const bits = given === undefined ? (family === 'ipv4' ? 32 : 128) : isMapped ? given - 96 : given;
    const type = family === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
    return { address: type.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString(), bits, family };
  } catch {
    return null;
  }
}

/** The one form of an address or block; null for what is none. */
export function plainBlock(text: string): string | null {
  // The library also reads what browsers once did: 10.1 and 0x7f.1.
  if (isIP(text.split('/', 1)[0] ?? '') === 0) return null;
  const block = readBlock(text);
  if (!block) return null;
  const { address, bits, family } = block;
  return bits === (family === 'ipv4' ? 32 : 128) ? address : `${address}/${bits}`;
}

const kept = 10_000;

/** A list is walked from its start, so what it said of an address is kept. An address that is none is kept out where any list is. */
export function createAdmits({ allow, block }: AddressLists): Admits {
  if (allow.length === 0 && block.length === 0) return () => true;
  const allowed = listOf(allow);
  const blocked = listOf(block);
  const answers = new LRUCache<string, boolean>({ max: kept });
  return (address) => {
    let answer = answers.get(address);
    if (answer === undefined) {
      const family = isIP(address);
      const type = family === 6 ? 'ipv6' : 'ipv4';
      answer = family !== 0 && !blocked.check(address, type) && (allow.length === 0 || allowed.check(address, type));
      answers.set(address, answer);
    }
    return answer;
  };
}

function listOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const block = readBlock(text);
    if (block) list.addSubnet(block.address, block.bits, block.family);
  }
  return list;
}
