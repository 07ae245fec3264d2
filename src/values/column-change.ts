/**
 * Owns what a column rule does to a column of a value: the parameters it adds to the schema, and the mask, the hash or the cut
 * in place of what the column's own codec writes. Applied once per relation version; columns without a rule never pass here.
 * Does not choose the rule: events/column-rules.ts.
 * Source: MaskStrings, TruncateColumn and PropagateSourceMetadataToSchemaParameter of io.debezium.relational.mapping.
 */

import { byteAt } from '../core/byte-reader.ts';
import type { ColumnRule } from '../core/options.ts';
import type { FieldSchema } from './schema.ts';
import type { SourceType } from './source-type.ts';
import { compileTextHash } from './text-hash.ts';
import type { ConstantWriter } from './type-plan.ts';
import { ValueCapture } from './value-capture.ts';
import type { ValueCodec, ValueWriter } from './value-writer.ts';

type ChangedColumn = { readonly name: string; readonly source: SourceType };

type Parameters = NonNullable<FieldSchema['parameters']>;

/** The codec of a column under the one rule that holds for it. */
export function changeColumn(codec: ValueCodec, column: ChangedColumn, change: ColumnRule['change']): ValueCodec {
  switch (change.tag) {
    case 'truncate':
      return truncateColumn(codec, column.source, change.length);
    case 'mask':
      return maskColumn(codec, column.source, '*'.repeat(change.length));
    case 'hash': {
      const masked = withParameters(codec, [['masked', 'true']]);
      return column.source.isText ? hashColumn(masked, column.source, compileTextHash(change)) : masked;
    }
    case 'propagateColumn':
    case 'propagateDatatype':
      return withParameters(codec, sourceParameters(column));
  }
}

function withParameters(codec: ValueCodec, parameters: Parameters): ValueCodec {
  const schema: FieldSchema = { ...codec.schema, parameters: [...(codec.schema.parameters ?? []), ...parameters] };
  return { ...codec, schema };
}

function sourceParameters({ name, source }: ChangedColumn): Parameters {
  const prefix = '__debezium.source.column';
  return [
    [`${prefix}.type`, source.name.toUpperCase()],
    ...(source.length === -1 ? [] : [[`${prefix}.length`, String(source.length)] as const]),
    ...(source.scale === undefined ? [] : [[`${prefix}.scale`, String(source.scale)] as const]),
    [`${prefix}.name`, name],
  ];
}

/** Nulls are masked too. Columns that are not text only say in their schema that they are masked. */
function maskColumn(codec: ValueCodec, source: SourceType, mask: string): ValueCodec {
  const masked = withParameters(codec, [['masked', 'true']]);
  if (!source.isText) return masked;
  const bytes = Buffer.from(mask);
  const write: ConstantWriter = (out) => out.plainAscii(bytes, 0, bytes.length);
  return { ...masked, nullable: false, write, writeFallback: write, writeUnavailable: write };
}

/** What a codec writes for one cell, kept as a view: good until the codec writes again. */
class Cell extends ValueCapture {
  source: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  isNull = true;

  override nullValue(): void {
    this.isNull = true;
  }
  override utf8(source: Uint8Array, start: number, end: number): void {
    this.#keep(source, start, end);
  }
  override plainAscii(source: Uint8Array, start: number, end: number): void {
    this.#keep(source, start, end);
  }
  override bytes(source: Uint8Array, start: number, end: number): void {
    this.#keep(source, start, end);
  }

  #keep(source: Uint8Array, start: number, end: number): void {
    this.source = source;
    this.start = start;
    this.end = end;
    this.isNull = false;
  }
}

type CellChange = (out: ValueWriter, cell: Cell) => void;

/** Puts a change behind everything that the codec writes. Only for codecs that write text, bytes or null. */
function withChange(codec: ValueCodec, change: CellChange): ValueCodec {
  const cell = new Cell();
  const pass: ConstantWriter = (out) => {
    if (cell.isNull) out.nullValue();
    else change(out, cell);
    // A cell must never show what an earlier one was.
    cell.isNull = true;
  };
  const writeFallback: ConstantWriter = (out) => {
    codec.writeFallback(cell);
    pass(out);
  };
  return {
    schema: codec.schema,
    nullable: codec.nullable,
    write(out, source, start, end) {
      codec.write(cell, source, start, end);
      pass(out);
    },
    // The default that Connect's converter puts in place of a null has not gone through any change.
    writeFallback: codec.nullable ? codec.writeFallback : writeFallback,
    writeUnavailable(out) {
      codec.writeUnavailable(cell);
      pass(out);
    },
  };
}

/** Placeholders and fallbacks are hashed too. The hash is cut to the column's length where that is known. */
function hashColumn(codec: ValueCodec, source: SourceType, hash: ReturnType<typeof compileTextHash>): ValueCodec {
  const digits = Buffer.alloc(HASH_DIGITS_MAX);
  const lengthMax = source.length > 0 ? source.length : HASH_DIGITS_MAX;
  return withChange(codec, (out, cell) => {
    const length = digits.write(hash(cell.source, cell.start, cell.end), 'latin1');
    out.plainAscii(digits, 0, Math.min(length, lengthMax));
  });
}

/** The longest digest has 512 bits. */
const HASH_DIGITS_MAX = 128;

/** Text is cut after UTF-16 units, bytes after bytes, everything else is left whole. A column that cannot be longer has no rule. */
function truncateColumn(codec: ValueCodec, source: SourceType, lengthMax: number): ValueCodec {
  if (source.length >= 0 && source.length <= lengthMax) return codec;
  const limited = withParameters(codec, [['truncateLength', String(lengthMax)]]);
  const { type, name } = codec.schema;
  if (type === 'string')
    return withChange(limited, (out, { source: text, start, end }) => out.utf8(text, start, cutText(text, start, end, lengthMax)));
  if (type !== 'bytes' || name !== undefined) return limited;
  const cut = withChange(limited, (out, { source: bytes, start, end }) => out.bytes(bytes, start, Math.min(end, start + lengthMax)));
  // Debezium cuts only byte[], and its placeholder of bytes is of another class.
  return { ...cut, writeUnavailable: codec.writeUnavailable };
}

/**
 * Where the first `unitsMax` UTF-16 units of source[start, end) end. A cut between two surrogates ends after the third byte of
 * their four: the one form in which a lone high surrogate can be handed on without a copy; serializers know it.
 */
export function cutText(source: Uint8Array, start: number, end: number, unitsMax: number): number {
  if (end - start <= unitsMax) return end;
  let units = 0;
  let at = start;
  while (at < end && units < unitsMax) {
    const bytes = sequenceLength(byteAt(source, at));
    if (bytes === 4 && units + 1 === unitsMax) return at + 3;
    units += bytes === 4 ? 2 : 1;
    at += bytes;
  }
  return at;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
