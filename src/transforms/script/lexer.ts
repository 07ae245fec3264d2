/** Owns the tokens of an expression, each with its column, in Groovy and in JavaScript. What is not understood is refused by its column. */
import { TransformError } from '../shaped-record.ts';

export type LanguageName = 'groovy' | 'javascript';

export type NumberType = 'int32' | 'int64' | 'float32' | 'float64' | 'decimal';

/** `column` is counted from 1. */
export type Token = { readonly column: number } & (
  | { readonly tag: 'name' | 'symbol' | 'text'; readonly text: string }
  | { readonly tag: 'number'; readonly text: string; readonly type: NumberType }
  | { readonly tag: 'end' }
);

/** Throws TransformError. */
export function refuse(what: string, { column }: { readonly column: number }): never {
  throw new TransformError(`the expression is not understood at column ${column}: ${what}`);
}

/** What both languages have. The first symbol of a list that fits is taken, so longer ones stand before their beginnings. */
const DOUBLE = ['==', '!=', '<=', '>=', '&&', '||', '?.'];
const SINGLE = ['<', '>', '!', '?', ':', '(', ')', '[', ']', ',', '.', '+', '-', ';'];
const SYMBOLS: Readonly<Record<LanguageName, readonly string[]>> = {
  groovy: ['==~', '=~', ...DOUBLE, '?:', ...SINGLE],
  javascript: ['===', '!==', ...DOUBLE, '??', ...SINGLE],
};

const SPACE = /\s+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /([0-9]+)(\.[0-9]+)?([eE][+-]?[0-9]+)?([A-Za-z_]*)/y;

/** Throws TransformError. */
export function tokensOf(source: string, language: LanguageName): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const column = at + 1;
    const space = matchAt(SPACE, source, at);
    if (space !== undefined) {
      at += space[0].length;
      continue;
    }
    const name = matchAt(NAME, source, at);
    const number = matchAt(NUMBER, source, at);
    const letter = source.charAt(at);
    if (name !== undefined) {
      tokens.push({ tag: 'name', text: name[0], column });
      at += name[0].length;
    } else if (number !== undefined) {
      tokens.push(numberToken(number, { column, language }));
      at += number[0].length;
    } else if (letter === "'" || letter === '"' || (letter === '/' && language === 'groovy' && isOperandNext(tokens))) {
      const quoted = quotedAt(source, at, language);
      tokens.push({ tag: 'text', text: quoted.text, column });
      at = quoted.end;
    } else {
      const symbol = SYMBOLS[language].find((one) => source.startsWith(one, at));
      if (symbol === undefined) refuse(`unexpected ${letter}`, { column });
      tokens.push({ tag: 'symbol', text: symbol, column });
      at += symbol.length;
    }
  }
  return [...tokens, { tag: 'end', column: source.length + 1 }];
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}

/** A slash begins a text only where an operand may stand. */
function isOperandNext(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  return last === undefined || (last.tag === 'symbol' && last.text !== ')' && last.text !== ']');
}

function numberToken(
  [text, , fraction, exponent, suffix = '']: RegExpExecArray,
  { column, language }: { readonly column: number; readonly language: LanguageName },
): Token {
  const isWhole = fraction === undefined && exponent === undefined;
  const digits = text.slice(0, text.length - suffix.length);
  const number = (type: NumberType): Token => ({ tag: 'number', text: digits, type, column });
  if (language === 'javascript') return suffix === '' ? number(isWhole ? 'int64' : 'float64') : refuse(`the number ${text}`, { column });
  switch (suffix.toLowerCase()) {
    case '':
      if (!isWhole) return number('decimal');
      return number(BigInt.asIntN(32, BigInt(digits)) === BigInt(digits) ? 'int32' : 'int64');
    case 'i':
      return isWhole ? number('int32') : refuse(`the number ${text}`, { column });
    case 'l':
      return isWhole ? number('int64') : refuse(`the number ${text}`, { column });
    case 'd':
      return number('float64');
    case 'f':
      return number('float32');
    default:
      return refuse(`the number ${text}`, { column });
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '\\': '\\', "'": "'", '"': '"', $: '$' };

function quotedAt(source: string, start: number, language: LanguageName): { readonly text: string; readonly end: number } {
  const quote = source.charAt(start);
  if (source.startsWith(quote.repeat(3), start)) refuse('a text between three quotes', { column: start + 1 });
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    const letter = source.charAt(at);
    if (letter === quote) return { text, end: at + 1 };
    if (letter === '\n') break;
    if (letter === '$' && language === 'groovy' && quote !== "'" && isInterpolation(source.charAt(at + 1))) {
      refuse('a value within a text', { column: at + 1 });
    }
    if (letter !== '\\') text += letter;
    else if (quote === '/') {
      // Only the slash itself is escaped there: a pattern keeps its backslashes.
      text += source.charAt(at + 1) === '/' ? '' : letter;
    } else {
      const escaped = escapedAt(source, at);
      text += escaped.text;
      at = escaped.end - 1;
    }
    if (letter === '\\' && quote === '/') text += source.charAt(++at);
  }
  return refuse('a text that does not end', { column: start + 1 });
}

function isInterpolation(next: string): boolean {
  return /[A-Za-z_{]/.test(next);
}

function escapedAt(source: string, at: number): { readonly text: string; readonly end: number } {
  const code = /^\\u([0-9a-fA-F]{4})/.exec(source.slice(at, at + 6))?.[1];
  if (code !== undefined) return { text: String.fromCharCode(Number.parseInt(code, 16)), end: at + 6 };
  const text = ESCAPES[source.charAt(at + 1)];
  return text === undefined ? refuse(`the escape \\${source.charAt(at + 1)}`, { column: at + 1 }) : { text, end: at + 2 };
}
