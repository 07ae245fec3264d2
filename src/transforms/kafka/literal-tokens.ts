/**
 * Owns the tokens of a literal: delimiters, and what stands between them. A backslash takes a delimiter's meaning away.
 * Source: org.apache.kafka.connect.data.Values.Parser.
 */

const DELIMITERS = ':,{}[]"';

export class Tokens {
  readonly #text: string;
  #at = 0;
  /** A token that was looked at and not consumed. */
  #pending: string | undefined;
  previous = '';

  constructor(text: string) {
    this.#text = text;
  }

  get hasNext(): boolean {
    return this.#pending !== undefined || this.#at < this.#text.length;
  }

  mark(): number {
    return this.#at - (this.#pending?.length ?? 0);
  }

  rewind(at: number): void {
    this.#at = at;
    this.#pending = undefined;
    this.previous = '';
  }

  next(): string {
    this.previous = this.#pending ?? this.#read();
    this.#pending = undefined;
    return this.previous;
  }

  /** The text of this many tokens; undefined if there are fewer. */
  nextMany(count: number): string | undefined {
    const start = this.mark();
    for (let i = 0; i < count; i++) {
      if (!this.hasNext) {
        this.rewind(start);
        return undefined;
      }
      this.next();
    }
    return this.#text.slice(start, this.#at);
  }

  /** Consumes the next token if it is this one; blanks around it do not count. */
  consume(expected: string): boolean {
    if (this.#pending === undefined) {
      if (!this.hasNext) return false;
      this.#pending = this.#read();
    }
    while (isBlank(this.#pending) && this.#at < this.#text.length) this.#pending = this.#read();
    if (this.#pending.trim() !== expected) return false;
    this.#pending = undefined;
    return true;
  }

  #read(): string {
    const start = this.#at;
    let isEscaped = false;
    for (; this.#at < this.#text.length; this.#at++) {
      const letter = this.#text.charAt(this.#at);
      if (DELIMITERS.includes(letter) && !isEscaped) {
        if (start === this.#at) this.#at++;
        return this.#text.slice(start, this.#at);
      }
      isEscaped = letter === '\\' && !isEscaped;
    }
    return this.#text.slice(start);
  }
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
