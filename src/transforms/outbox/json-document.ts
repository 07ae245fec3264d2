/**
 * Owns reading a JSON text as Jackson's ObjectMapper does: members keep the order of the text, integers are told from other numbers, and what
 * follows the first value is not looked at. Source: com.fasterxml.jackson.databind.ObjectMapper.readTree, StreamReadConstraints.
 */

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** `huge`: an integer beyond 64 bits. */
type JsonNumber = { readonly kind: 'int32' | 'int64' | 'float64'; readonly value: number | bigint } | { readonly kind: 'huge' };

export function isJsonObject(value: JsonValue): value is ReadonlyMap<string, JsonValue> {
  return value instanceof Map;
}

export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Undefined: the text is no JSON. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return new Parser(text).value(0);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

class Malformed extends Error {}

/** Jackson's limits. */
const DEPTH_MAX = 1_000;
const NUMBER_LENGTH_MAX = 1_000;
/** The longest integer that a double surely holds. */
const SAFE_LENGTH = 15;
const INT32_MAX = 2 ** 31;
const INT64_MAX = 2n ** 63n;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    switch (this.#peek()) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  /** The next character that is no blank; it is not taken. */
  #peek(): string {
    for (;;) {
      const letter = this.#text.charAt(this.#at);
      if (letter !== ' ' && letter !== '\n' && letter !== '\r' && letter !== '\t') return letter;
      this.#at++;
    }
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at++;
    return true;
  }

  #expect(letter: string): void {
    if (!this.#take(letter)) throw new Malformed();
  }

  /** Of equal names the last value counts, at the first one's place. */
  #object(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw new Malformed();
    const members = new Map<string, JsonValue>();
    this.#expect('{');
    if (this.#take('}')) return members;
    do {
      if (this.#peek() !== '"') throw new Malformed();
      const name = this.#string();
      this.#expect(':');
      members.set(name, this.value(depth));
    } while (this.#take(','));
    this.#expect('}');
    return members;
  }

  #array(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw new Malformed();
    const elements: JsonValue[] = [];
    this.#expect('[');
    if (this.#take(']')) return elements;
    do elements.push(this.value(depth));
    while (this.#take(','));
    this.#expect(']');
    return elements;
  }

  #string(): string {
    const text = this.#text;
    const start = ++this.#at;
    let isPlain = true;
    for (; ; this.#at++) {
      const unit = text.charCodeAt(this.#at);
      // Also at the end of the text, where the unit is NaN.
      if (!(unit >= 0x20)) throw new Malformed();
      if (unit === QUOTE) break;
      if (unit !== BACKSLASH) continue;
      isPlain = false;
      this.#at++;
    }
    this.#at++;
    return isPlain ? text.slice(start, this.#at - 1) : unescaped(text.slice(start - 1, this.#at));
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw new Malformed();
    this.#at += word.length;
    return value;
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null || match[0].length > NUMBER_LENGTH_MAX) throw new Malformed();
    this.#at = NUMBER.lastIndex;
    const [digits, fraction, exponent] = match;
    return fraction === undefined && exponent === undefined ? integer(digits) : { kind: 'float64', value: Number(digits) };
  }
}

/** The escapes of Jackson are those of JavaScript. */
function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new Malformed();
  }
}

function integer(digits: string): JsonNumber {
  if (digits.length <= SAFE_LENGTH) {
    // There is no integer -0.
    const value = Number(digits) + 0;
    return { kind: value >= -INT32_MAX && value < INT32_MAX ? 'int32' : 'int64', value };
  }
  const value = BigInt(digits);
  if (value < -INT64_MAX || value >= INT64_MAX) return { kind: 'huge' };
  const narrow = Number(value);
  return { kind: 'int64', value: Number.isSafeInteger(narrow) ? narrow : value };
}
