/** Keys that are counted exactly; where an input has more, the count stays at this. */
const most = 1_000_000;

/** Counts different keys in bounded memory, without keeping them: one in 10^16 pairs would be taken for the same. */
export class Distinct {
  private readonly seen = new Set<number>();

  add(key: string): void {
    if (this.seen.size < most) this.seen.add(hashOf(key));
  }

  has(key: string): boolean {
    return this.seen.has(hashOf(key));
  }

  get size(): number {
    return this.seen.size;
  }
}

/** cyrb53: 53 bits, so that a number holds them. https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js */
function hashOf(key: string): number {
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    h1 = Math.imul(h1 ^ unit, 2654435761);
    h2 = Math.imul(h2 ^ unit, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (2097151 & h2) + (h1 >>> 0);
}
