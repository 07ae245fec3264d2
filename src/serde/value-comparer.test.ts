import { describe, expect, it } from 'vitest';
import { tupleOf, UNCHANGED } from '../../test/oracles/tuples.ts';
import type { PlannedColumn } from '../events/row-plan.ts';
import type { TupleView } from '../pgoutput/tuple.ts';
import type { FieldSchema } from '../values/schema.ts';
import { ConversionError, type ValueCodec } from '../values/value-writer.ts';
import { ComparerScratch, ValueComparer } from './value-comparer.ts';

type CodecShape = { readonly nullable: boolean; readonly schema: FieldSchema };

/** Cells print in upper case, so that different cells may be the same value; `bad` does not convert. */
function column(index: number, shape: Partial<CodecShape> = {}): PlannedColumn {
  const codec: Pick<ValueCodec, 'schema' | 'nullable' | 'write' | 'writeFallback' | 'writeUnavailable'> = {
    schema: { type: 'string', optional: true },
    nullable: true,
    ...shape,
    write(writer, bytes, start, end) {
      const text = Buffer.from(bytes.subarray(start, end)).toString();
      if (text === 'bad') throw new ConversionError('no');
      const upper = Buffer.from(text.toUpperCase());
      writer.utf8(upper, 0, upper.length);
    },
    writeFallback: (writer) => writer.utf8(Buffer.from('FALLBACK'), 0, 8),
    writeUnavailable: (writer) => writer.utf8(Buffer.from('GONE'), 0, 4),
  };
  return { name: `c${index}`, field: `c${index}`, type: 'text', index, codec: codec as ValueCodec };
}

const same = (columns: PlannedColumn[], before: TupleView, after: TupleView): boolean =>
  new ValueComparer({ columns }, new ComparerScratch()).same(before, after);

describe('two tuples', () => {
  it('are the same where every included column prints the same', () => {
    const columns = [column(0), column(2)];
    expect(same(columns, tupleOf('a', 'x', 'b'), tupleOf('A', 'y', 'b'))).toBe(true);
    expect(same(columns, tupleOf('a', 'x', 'b'), tupleOf('a', 'x', 'c'))).toBe(false);
    expect(same(columns, tupleOf('a', 'x', 'b'), tupleOf('a', 'x', 'bb'))).toBe(false);
    expect(same([], tupleOf('a'), tupleOf('b'))).toBe(true);
  });

  it('differ between a null and a value, even if the value prints as null or is the default', () => {
    expect(same([column(0)], tupleOf(null), tupleOf('a'))).toBe(false);
    expect(same([column(0)], tupleOf(null), tupleOf(null))).toBe(true);
    expect(same([column(0)], tupleOf(null), tupleOf('null'))).toBe(false);
  });

  it('are the same where a null is masked as any value is', () => {
    const masked = column(0, { nullable: false });
    expect(same([masked], tupleOf(null), tupleOf('fallback'))).toBe(true);
    expect(same([masked], tupleOf(null), tupleOf('other'))).toBe(false);
  });

  it('count a cell that does not convert as null', () => {
    expect(same([column(0)], tupleOf('bad'), tupleOf(null))).toBe(true);
    expect(same([column(0)], tupleOf('bad'), tupleOf('good'))).toBe(false);
  });

  it('differ where one value was sent and the other was not', () => {
    expect(same([column(0)], tupleOf('a'), tupleOf(UNCHANGED))).toBe(false);
    expect(same([column(0)], tupleOf('a', 'b'), tupleOf('a'))).toBe(true);
    expect(same([column(1)], tupleOf('a', 'b'), tupleOf('a'))).toBe(false);
  });
});
