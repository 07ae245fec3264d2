/**
 * Owns reading JSON with line numbers: where the text breaks, where each key stands, which key stands twice. JSON.parse does not tell
 * these reliably, and its messages quote the text, which may be a password. A property test compares both.
 */

type JsonText =
  | {
      readonly tag: 'parsed';
      readonly value: unknown;
      readonly keyLines: ReadonlyMap<string, number>;
      readonly duplicates: readonly { readonly key: string; readonly line: number }[];
    }
  | { readonly tag: 'broken'; readonly reason: string; readonly line: number; readonly column: number };

/** No config nests deeper, and deeper nesting could exhaust the stack. */
const DEPTH_MAX = 64;

export function parseJsonText(text: string): JsonText {
  const reader = new JsonReader(text);
  try {
    const value = reader.readDocument();
    return { tag: 'parsed', value, keyLines: reader.keyLines, duplicates: reader.duplicates };
  } catch (error) {
    if (!(error instanceof BrokenJson)) throw error;
    return { tag: 'broken', reason: error.message, ...place(text, error.at) };
  }
}

class BrokenJson extends Error {
  readonly at: number;

  constructor(reason: string, at: number) {
    super(reason);
    this.at = at;
  }
}

function place(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: at - lineStart + 1 };
}

class JsonReader {
  readonly keyLines = new Map<string, number>();
  readonly duplicates: { key: string; line: number }[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): unknown {
    const value = this.#readValue(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#broken('something follows the end of the JSON');
    return value;
  }

  #readValue(depth: number): unknown {
    this.#skipSpace();
    if (depth > DEPTH_MAX) throw this.#broken(`is nested deeper than ${DEPTH_MAX}`);
    const char = this.#text[this.#at];
    if (char === '{') return this.#readObject(depth);
    if (char === '[') return this.#readArray(depth);
    if (char === '"') return this.#readString();
    return this.#readWord();
  }

  #readObject(depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#at += 1;
    if (this.#take('}')) return {};
    for (;;) {
      this.#skipSpace();
      const keyAt = this.#at;
      if (this.#text[this.#at] !== '"') throw this.#broken('expected a key in double quotes');
      const key = this.#readString();
      this.#recordKey(key, keyAt, entries.has(key));
      if (!this.#take(':')) throw this.#broken('expected a colon after the key');
      entries.set(key, this.#readValue(depth + 1));
      if (this.#take('}')) return Object.fromEntries(entries);
      if (!this.#take(',')) throw this.#broken('expected a comma or } after the value');
    }
  }

  #readArray(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at += 1;
    if (this.#take(']')) return items;
    for (;;) {
      items.push(this.#readValue(depth + 1));
      if (this.#take(']')) return items;
      if (!this.#take(',')) throw this.#broken('expected a comma or ] after the item');
    }
  }

  /** Checks the form of one string and lets JSON.parse decode it, so that escapes mean exactly what they mean there. */
  #readString(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in texts
    const pattern = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw this.#broken('a text is not finished, or holds a bare control character or an unknown escape');
    this.#at = pattern.lastIndex;
    return String(JSON.parse(match[0]));
  }

  #readWord(): unknown {
    const pattern = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw this.#broken(this.#at >= this.#text.length ? 'ends too early' : 'expected a value');
    this.#at = pattern.lastIndex;
    return JSON.parse(match[0]);
  }

  /** For a key that stands twice, the first line number and the last value count; JSON.parse takes the last value too. */
  #recordKey(key: string, at: number, again: boolean): void {
    const { line } = place(this.#text, at);
    if (again) this.duplicates.push({ key, line });
    if (!this.keyLines.has(key)) this.keyLines.set(key, line);
  }

  #take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? 'x')) this.#at += 1;
  }

  #broken(reason: string): BrokenJson {
    return new BrokenJson(reason, this.#at);
  }
}
