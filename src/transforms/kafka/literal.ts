/**
 * Owns how a text becomes a value where Kafka guesses its type: numbers, truth values, dates, lists and maps; anything else stays the text.
 * Source: org.apache.kafka.connect.data.Values.parseString, convertToString.
 */
import { compileDateFormat, type DateFormat } from '../../core/java/simple-date-format.ts';
import { constantText } from '../../events/facts.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { constant } from '../fields.ts';
import { nullOf, TransformError } from '../shaped-record.ts';
import { javaText, parseJavaNumber } from './java-values.ts';
import { Tokens } from './literal-tokens.ts';

/** A scalar with its schema, or the text of a list, a map, or a number that only a BigDecimal holds. */
type Literal = { readonly schema: FieldSchema; readonly value: Exclude<CapturedValue, null> } | { readonly container: string };

const TEXT: FieldSchema = { type: 'string', optional: false };
const BOOLEAN: FieldSchema = { type: 'boolean', optional: false };

/** A list or map is given as the text that a header has of it. Throws TransformError for lists whose members Kafka would convert to one another. */
export function parseLiteral(text: string): ValueShape {
  if (text === '') return textShape('');
  const literal = attempted(() => new LiteralParser(text).parse(false), text);
  if (literal === null) return nullOf({ ...TEXT, optional: true });
  if ('container' in literal) return textShape(literal.container);
  const { schema, value } = literal;
  return typeof value === 'string' ? textShape(value) : constant(schema, value);
}

function textShape(text: string): ValueShape {
  return { schema: TEXT, origin: { from: 'fact', fact: constantText(text) } };
}

/** The text is no list or map, although it begins like one. */
class NoContainer extends Error {}

function attempted(parse: () => Literal | null, text: string): Literal | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NoContainer) return { schema: TEXT, value: text };
    throw error;
  }
}

class LiteralParser {
  readonly #text: string;
  readonly #tokens: Tokens;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = new Tokens(text);
  }

  /** Null: the value is null. `embedded`: it is a member of a list or map. */
  parse(embedded: boolean): Literal | null {
    const tokens = this.#tokens;
    if (!tokens.hasNext) return null;
    if (embedded && tokens.consume('"')) return this.#quoted();
    if (this.#consumesAlone('null', embedded)) return null;
    if (this.#consumesAlone('true', embedded)) return { schema: BOOLEAN, value: true };
    if (this.#consumesAlone('false', embedded)) return { schema: BOOLEAN, value: false };
    const start = tokens.mark();
    try {
      if (tokens.consume('[')) return this.#list();
      if (tokens.consume('{')) return this.#map();
    } catch (error) {
      if (!(error instanceof NoContainer)) throw error;
      tokens.rewind(start);
    }
    const token = javaTrim(tokens.next());
    if (token === '') return { schema: TEXT, value: tokens.previous };
    const isNumeric = /^[0-9]/.test(token);
    const found = (isNumeric ? this.#temporal(token) : undefined) ?? (isNumeric || /^[+-]/.test(token) ? numberLiteral(token) : undefined);
    if (found !== undefined) return found;
    if (embedded) throw new NoContainer();
    return { schema: TEXT, value: this.#text };
  }

  /** What follows a whole literal makes a text of it. */
  #consumesAlone(word: string, embedded: boolean): boolean {
    const start = this.#tokens.mark();
    if (this.#tokens.consume(word) && (embedded || !this.#tokens.hasNext)) return true;
    this.#tokens.rewind(start);
    return false;
  }

  #quoted(): Literal {
    let content = '';
    while (this.#tokens.hasNext && !this.#tokens.consume('"')) content += this.#tokens.next();
    return temporalLiteral(content) ?? { schema: TEXT, value: content };
  }

  /** A time is five tokens, because colons part them. */
  #temporal(token: string): Literal | undefined {
    const start = this.#tokens.mark();
    const rest = this.#tokens.nextMany(4);
    const whole = rest === undefined ? undefined : temporalLiteral(token + rest);
    if (whole !== undefined) return whole;
    this.#tokens.rewind(start);
    return temporalLiteral(token);
  }

  #list(): Literal {
    const tokens = this.#tokens;
    const members: (Literal | null)[] = [];
    while (tokens.hasNext) {
      if (tokens.consume(']')) return { container: `[${aligned(members).map(memberText).join(',')}]` };
      if (tokens.consume(',')) throw new NoContainer();
      members.push(this.parse(true));
      const behind = tokens.mark();
      if (tokens.consume(']')) tokens.rewind(behind);
      else if (!tokens.consume(',')) throw new NoContainer();
    }
    throw new NoContainer();
  }

  #map(): Literal {
    const tokens = this.#tokens;
    const entries = new Map<string, { readonly key: Literal; readonly value: Literal | null }>();
    while (tokens.hasNext) {
      if (tokens.consume('}')) return { container: mapText([...entries.values()]) };
      if (tokens.consume(',')) throw new NoContainer();
      const key = this.parse(true);
      if (key === null || !tokens.consume(':')) throw new NoContainer();
      const value = this.parse(true);
      const name = `${'schema' in key ? key.schema.type : ''}:${memberText(key)}`;
      entries.set(name, { key: entries.get(name)?.key ?? key, value });
      tokens.consume(',');
    }
    throw new NoContainer();
  }
}

function mapText(entries: readonly { readonly key: Literal; readonly value: Literal | null }[]): string {
  const keys = aligned(entries.map(({ key }) => key));
  const hasOneKind = new Set(entries.map(({ key }) => kindOf(key))).size === 1;
  const given = entries.map(({ value }) => value);
  const values = hasOneKind ? aligned(given) : given;
  return `{${keys.map((key, index) => `${memberText(key)}:${memberText(values[index] ?? null)}`).join(',')}}`;
}

function memberText(member: Literal | null): string {
  if (member === null) return 'null';
  if ('container' in member) return member.container;
  const text = javaText(member.schema, member.value);
  return typeof member.value === 'string' ? `"${text.replace(/[\\"]/g, '\\$&')}"` : text;
}

const WIDTHS = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];

/** Members of one kind get the widest type among them. A null has no place beside them then. */
function aligned(members: readonly (Literal | null)[]): readonly (Literal | null)[] {
  const present = members.filter((member) => member !== null);
  const kinds = new Set(present.map(kindOf));
  if (kinds.has('container') && present.length > 1)
    throw new TransformError('value.literal: lists, maps and very long numbers beside other members are not supported');
  if (kinds.has('time') && kinds.size > 1) throw new TransformError('value.literal: times beside other values are not supported');
  if (kinds.size !== 1) return members;
  if (present.length < members.length) throw new NoContainer();
  if (!kinds.has('number')) return members;
  const width = Math.max(...present.map((member) => ('schema' in member ? WIDTHS.indexOf(member.schema.type) : 0)));
  return present.map((member) => (width < FLOAT32 ? member : widened(member, width)));
}

const FLOAT32 = WIDTHS.indexOf('float32');

function widened(member: Literal, width: number): Literal {
  if (!('schema' in member)) return member;
  const value = Number(member.value);
  return width === FLOAT32
    ? { schema: { type: 'float32', optional: false }, value: Math.fround(value) }
    : { schema: { type: 'float64', optional: false }, value };
}

function kindOf(member: Literal): string {
  if ('container' in member) return 'container';
  const { type, name } = member.schema;
  if (name !== undefined) return 'time';
  return WIDTHS.includes(type) ? 'number' : type;
}

/** Undefined: the text is no number. */
function numberLiteral(token: string): Literal | undefined {
  const found = parseJavaNumber(token);
  if (found === undefined) return undefined;
  return typeof found.value === 'string'
    ? { container: found.value }
    : { schema: { type: found.type, optional: false }, value: found.value };
}

type Temporal = { readonly name: string; readonly type: 'int32' | 'int64'; readonly unit: number; readonly format: DateFormat };

function temporal(name: string, type: Temporal['type'], o: { readonly unit: number; readonly pattern: string }): Temporal {
  const format = compileDateFormat(o.pattern);
  if (typeof format === 'string') throw new Error(format);
  return { name: `org.apache.kafka.connect.data.${name}`, type, unit: o.unit, format };
}

/** By the length of their texts. */
const TEMPORALS: ReadonlyMap<number, Temporal> = new Map([
  ['2000-01-01'.length, temporal('Date', 'int32', { unit: 86_400_000, pattern: 'yyyy-MM-dd' })],
  ['00:00:00.000Z'.length, temporal('Time', 'int32', { unit: 1, pattern: "HH:mm:ss.SSS'Z'" })],
  ['2000-01-01T00:00:00.000Z'.length, temporal('Timestamp', 'int64', { unit: 1, pattern: "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'" })],
]);

function temporalLiteral(token: string): Literal | undefined {
  const text = token.replaceAll('\\:', ':');
  const found = TEMPORALS.get(text.length);
  const millis = found?.format.parse(text);
  if (found === undefined || millis === undefined) return undefined;
  return { schema: { type: found.type, optional: false, name: found.name, version: 1 }, value: millis / found.unit };
}

/** Java takes control characters for blanks, and other blanks than the space for none. */
function javaTrim(text: string): string {
  return text.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '');
}
