import { issue } from './input-issue.ts';

/**
 * Reads JSON (RFC 8259) and is stricter than `JSON.parse`: no key twice, no key that reaches a prototype,
 * no NUL and no half character in text, and no nesting beyond `maxDepth`. Throws `INVALID_INPUT` with the place of the fault.
 */
export function parseJson(text: string, maxDepth: number): unknown {
  const reader = new Reader(text, maxDepth);
  const value = reader.value(0);
  reader.end();
  return value;
}

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const quote = 0x22;
const backslash = 0x5c;
const halfCharacter = /\p{Surrogate}/u;
const blank = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;
const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  value(depth: number): unknown {
    this.#take(blank);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      default: {
        const literal = this.#take(word);
        if (literal !== null) return words[literal];
        const digits = this.#take(number);
        return digits === null ? this.#fail() : Number(digits);
      }
    }
  }

  end(): void {
    this.#take(blank);
    if (this.#at < this.#text.length) this.#fail();
  }

  #object(depth: number): unknown {
    this.#enter(depth);
    const object: Record<string, unknown> = {};
    if (this.#skip('}')) return object;
    do {
      this.#take(blank);
      const start = this.#at;
      if (this.#text[start] !== '"') this.#fail();
      const key = this.#string();
      if (forbidden.has(key)) this.#refuse(start, `the key ${key} is not allowed`);
      if (Object.hasOwn(object, key)) this.#refuse(start, `the key ${JSON.stringify(key)} is given twice`);
      if (!this.#skip(':')) this.#fail();
      object[key] = this.value(depth);
    } while (this.#skip(','));
    return this.#skip('}') ? object : this.#fail();
  }

  #array(depth: number): unknown {
    this.#enter(depth);
    const array: unknown[] = [];
    if (this.#skip(']')) return array;
    do array.push(this.value(depth));
    while (this.#skip(','));
    return this.#skip(']') ? array : this.#fail();
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const unit = this.#text.charCodeAt(at);
      if (unit === quote) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start) : this.#text.slice(start + 1, at);
      }
      if (unit === backslash) {
        escaped = true;
        at++;
      } else if (unit < 0x20) {
        this.#at = at;
        this.#fail();
      }
    }
    this.#at = this.#text.length;
    return this.#fail();
  }

  #unescape(start: number): string {
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#refuse(start, 'a wrong escape in the text');
    }
    // Neither can be stored as it is: databases refuse the one and replace the other.
    if (value.includes('\0')) this.#refuse(start, 'NUL in the text');
    if (halfCharacter.test(value)) this.#refuse(start, 'half a character in the text');
    return value;
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) this.#refuse(this.#at, `is nested deeper than ${this.#maxDepth} levels`);
    this.#at++;
  }

  #skip(character: string): boolean {
    this.#take(blank);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return null;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #fail(): never {
    const found = this.#text[this.#at];
    return this.#refuse(this.#at, found === undefined ? 'ends too early' : `unexpected ${JSON.stringify(found)}`);
  }

  #refuse(at: number, what: string): never {
    throw issue('', `The body is not valid JSON: ${what} at position ${at}`, 'invalid_json');
  }
}
