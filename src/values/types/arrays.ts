/**
 * Owns one-dimensional arrays: PostgreSQL's array text split into elements, each converted by its element's plan.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { Scratch } from '../scratch.ts';
import { ASCII, type CellWriter, type ConstantWriter, malformed, type TypePlan, writeEmptyArray } from '../type-plan.ts';
import { ConversionError, type ValueWriter } from '../value-writer.ts';

/** Holds an element without its escapes. Elements are never arrays, so one buffer is enough. */
const unescaped = new Scratch(1024);

const NULL_TEXT = Buffer.from('NULL');

/** Place of the first element: behind optional bounds (`[0:2]=`) and the opening brace. */
function firstElement(source: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at < end && byteAt(source, at) === ASCII.leftBracket) {
    while (at < end && byteAt(source, at) !== ASCII.equals) at++;
    at++;
  }
  if (end - at < 2 || byteAt(source, at) !== ASCII.leftBrace || byteAt(source, end - 1) !== ASCII.rightBrace) {
    throw malformed('array');
  }
  return at + 1;
}

function arrayWriter({ plan, nullable, delimiter = ASCII.comma, flattens = false, javaClass }: ArrayElements): CellWriter {
  const writeElement = plan.write;
  const writeInner: CellWriter = javaClass === undefined ? (out) => writeNull(out, nullable) : identityWriter(javaClass);
  /** What stands between the braces, `last` being the closing one. */
  const writeElements = (out: ValueWriter, source: Uint8Array, start: number, last: number): void => {
    let at = start;
    while (at < last) {
      const first = byteAt(source, at);
      if (first === ASCII.leftBrace && flattens) {
        const behind = behindNested(source, at, last);
        writeElements(out, source, at + 1, behind - 1);
        at = behind;
      } else {
        out.element();
        if (first === ASCII.quote) at = writeQuoted(out, source, at + 1, last, writeElement);
        else if (first === ASCII.leftBrace) {
          const behind = behindNested(source, at, last);
          writeInner(out, source, at, behind);
          at = behind;
        } else at = writeBare(out, source, at, behindBare(source, at, last, delimiter), writeElement, nullable);
      }
      if (at === last) break;
      if (byteAt(source, at) !== delimiter || ++at === last) throw malformed('array');
    }
  };
  return (out, source, start, end) => {
    const first = firstElement(source, start, end);
    out.beginArray();
    writeElements(out, source, first, end - 1);
    out.endArray();
  };
}

function writeNull(out: ValueWriter, nullable: boolean): void {
  if (!nullable) throw new ConversionError('array has a null element where its schema allows none');
  out.nullValue();
}

/** Where an element without quotes ends. */
function behindBare(source: Uint8Array, start: number, last: number, delimiter: number): number {
  let at = start;
  while (at < last && byteAt(source, at) !== delimiter) at++;
  return at;
}

/** An element without quotes. Returns the place behind it. */
function writeBare(out: ValueWriter, source: Uint8Array, start: number, end: number, writeElement: CellWriter, nullable: boolean): number {
  if (start === end) throw malformed('array');
  if (isNull(source, start, end)) writeNull(out, nullable);
  else writeElement(out, source, start, end);
  return end;
}

function isNull(source: Uint8Array, start: number, end: number): boolean {
  if (end - start !== NULL_TEXT.length) return false;
  for (let i = 0; i < NULL_TEXT.length; i++) {
    if (byteAt(source, start + i) !== byteAt(NULL_TEXT, i)) return false;
  }
  return true;
}

/** A quoted element; `start` is behind its opening quote. Returns the place behind the closing one. */
function writeQuoted(out: ValueWriter, source: Uint8Array, start: number, last: number, writeElement: CellWriter): number {
  let escapes = 0;
  let at = start;
  while (at < last && byteAt(source, at) !== ASCII.quote) {
    if (byteAt(source, at) === ASCII.backslash) {
      escapes++;
      at++;
    }
    at++;
  }
  if (at >= last) throw malformed('array');
  if (escapes === 0) {
    writeElement(out, source, start, at);
    return at + 1;
  }
  const target = unescaped.take(at - start - escapes);
  let length = 0;
  for (let i = start; i < at; i++) {
    if (byteAt(source, i) === ASCII.backslash) i++;
    target[length++] = byteAt(source, i);
  }
  writeElement(out, target, 0, length);
  return at + 1;
}

/**
 * What Debezium makes of an inner array whose elements are text: how Java prints the array as an object, `[Ljava.lang.String;@1b2c3d4e`
 * with a bracket for each dimension. The number has no meaning there; here it is made of the array's text, so that the same is printed alike.
 */
function identityWriter(javaClass: string): CellWriter {
  return (out, source, start, end) => {
    let depth = start;
    while (byteAt(source, depth) === ASCII.leftBrace) depth++;
    let hash = 0;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + byteAt(source, at)) & 0x7fff_ffff;
    const text = Buffer.from(`${'['.repeat(depth - start)}L${javaClass};@${hash.toString(16)}`);
    out.plainAscii(text, 0, text.length);
  };
}

/** The place behind the inner array that opens at `start`. */
function behindNested(source: Uint8Array, start: number, last: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < last; at++) {
    const byte = byteAt(source, at);
    if (byte === ASCII.backslash) at++;
    else if (byte === ASCII.quote) quoted = !quoted;
    else if (!quoted && byte === ASCII.leftBrace) depth++;
    else if (!quoted && byte === ASCII.rightBrace && --depth === 0) return at + 1;
  }
  throw malformed('array');
}

export type ArrayElements = {
  readonly plan: TypePlan;
  /** Debezium declares the elements of some arrays (enum, tsvector …) as required. */
  readonly required: boolean;
  /** False: a null element fails the whole column. */
  readonly nullable: boolean;
  /** ASCII code: a comma for every type but box. */
  readonly delimiter?: number;
  /** The Java class of the elements, where Debezium prints inner arrays as Java objects. Undefined: inner arrays are null. */
  readonly javaClass?: string | undefined;
  /** True: the elements of inner arrays become elements of the outer one. Debezium has a null for each inner array instead. */
  readonly flattens?: boolean;
};

export function arrayPlan(elements: ArrayElements, writePlaceholder?: ConstantWriter): TypePlan {
  return {
    schema: { type: 'array', items: { ...elements.plan.schema, optional: !elements.required } },
    write: arrayWriter(elements),
    writeZero: writeEmptyArray,
    writePlaceholder,
  };
}

/** int2vector and oidvector: Debezium's driver does not read their text as an array and publishes an empty one, and none for no text. */
export function vectorPlan(element: TypePlan, isRead: boolean): TypePlan {
  return {
    schema: { type: 'array', items: { ...element.schema, optional: false } },
    write: isRead ? vectorWriter(element.write) : writeUnreadVector,
    writeZero: writeEmptyArray,
  };
}

function writeUnreadVector(out: ValueWriter, _source: Uint8Array, start: number, end: number): void {
  if (start === end) out.nullValue();
  else writeEmptyArray(out);
}

/** `1 2 3` */
function vectorWriter(writeElement: CellWriter): CellWriter {
  return (out, source, start, end) => {
    out.beginArray();
    let from = start;
    for (let at = start; at <= end && from < end; at++) {
      if (at < end && byteAt(source, at) !== ASCII.space) continue;
      out.element();
      writeElement(out, source, from, at);
      from = at + 1;
    }
    out.endArray();
  };
}

/** bit[] has the schema of a bit string in Debezium, which no array fits: the column always fails. */
export function bitArrayPlan(bits: TypePlan): TypePlan {
  return {
    schema: bits.schema,
    write: () => {
      throw new ConversionError('bit[] has no form in Debezium events');
    },
    writeZero: bits.writeZero,
  };
}
