import { describe, expect, it } from 'vitest';
import { byteAt } from '../core/byte-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import type { Op } from '../events/envelope.ts';
import type { PlannedColumn, RowPlan } from '../events/row-plan.ts';
import { SourceInfo } from '../events/source-info.ts';
import type { RecordView, TopicHandle } from '../kafka/publisher-contract.ts';
import type { RowMessage } from '../pgoutput/messages.ts';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';
import { encodeHeaders } from '../serde/record-headers.ts';
import type { RowSerializer } from '../serde/serializer.ts';
import type { ValueComparer } from '../serde/value-comparer.ts';
import { ChangeWriter } from './change-writer.ts';
import type { TablePlan } from './table-plans.ts';

function tuple(id: string): TupleView {
  const view = new TupleView();
  view.source = Buffer.from(id);
  view.count = 1;
  view.kinds[0] = CellKind.text;
  view.ends[0] = id.length;
  return view;
}

const row = (tag: RowMessage['tag'], before: string | undefined, after: string | undefined): RowMessage => ({
  tag,
  relationOid: 1,
  old: before === undefined ? 'none' : 'key',
  before: tuple(before ?? ''),
  after: tuple(after ?? ''),
});

/** Names and values are shorter than 64 bytes, so that each length is one byte. */
function headerNames(block: Uint8Array): string {
  const names: string[] = [];
  for (let at = 1; at < block.length; ) {
    const nameEnd = at + 1 + byteAt(block, at) / 2;
    names.push(Buffer.from(block).toString('utf8', at + 1, nameEnd));
    at = nameEnd + 1 + byteAt(block, nameEnd) / 2;
  }
  return names.join(' ');
}

/** Keys and values as plain text, records as they are appended. */
function setUp(skipped: readonly ('c' | 'u' | 'd' | 't')[] = [], tombstones = true) {
  const out = new ByteWriter(64);
  const records: string[] = [];
  const text = (view: TupleView): string => Buffer.from(view.source).toString();
  const serializer: RowSerializer = {
    writeKey: (view) => {
      out.text(text(view));
      return true;
    },
    writeKeyHeader: (view) => out.text(text(view)),
    writeValue: (op: Op) => out.text(op),
  };
  const headers: string[] = [];
  const append = (_topic: TopicHandle, record: RecordView): void => {
    headers.push(headerNames(record.headers));
    const bytes = Buffer.from(record.bytes);
    const key = bytes.toString('utf8', record.keyStart, Math.max(0, record.keyEnd));
    records.push(record.valueEnd < 0 ? `tombstone ${key}` : `${bytes.toString('utf8', record.valueStart, record.valueEnd)} ${key}`);
  };
  const writer = new ChangeWriter({
    out,
    info: new SourceInfo(),
    order: undefined,
    publisher: { append },
    options: { tombstonesOnDelete: tombstones, skippedOperations: new Set(skipped) },
    contextHeaders: [],
  });
  const key = [{ name: 'id', index: 0 }] as unknown as readonly PlannedColumn[];
  // Keys that differ in case alone are one key.
  const keys = { same: (a: TupleView, b: TupleView) => text(a).toLowerCase() === text(b).toLowerCase() } as unknown as ValueComparer;
  const table: TablePlan = {
    plan: { key } as unknown as RowPlan,
    serializer,
    deadLetter: undefined,
    topic: { name: 't', partitionCount: 1, recordBatchBytesMax: 1_000_000 },
    keys,
    comparer: undefined,
    collection: 'public.t',
    relationColumns: '',
  };
  return { writer, table, records, headers };
}

describe('ChangeWriter', () => {
  it('D9: a key change is delete, tombstone, create', () => {
    const { writer, table, records } = setUp();
    writer.writeRow(table, row('update', '1', '2'));
    expect(records).toEqual(['d 1', 'tombstone 1', 'c 2']);
  });

  it('an update that keeps the key is one record', () => {
    const { writer, table, records } = setUp();
    writer.writeRow(table, row('update', '1', '1'));
    writer.writeRow(table, row('update', undefined, '1'));
    expect(records).toEqual(['u 1', 'u 1']);
  });

  it('an update to another spelling of the same key is one record', () => {
    const { writer, table, records } = setUp();
    writer.writeRow(table, row('update', 'a', 'A'));
    expect(records).toEqual(['u A']);
  });

  it('takes an unchanged cell from the old tuple, also where that holds the key alone', () => {
    const { writer, table, records } = setUp();
    const update = row('update', 'long', '');
    update.after.kinds[0] = CellKind.unchanged;
    update.after.source = update.before.source;
    writer.writeRow(table, update);
    expect(update.after.kinds[0]).toBe(CellKind.text);
    expect(update.after.ends[0]).toBe(4);
    expect(records).toEqual(['u long']);
  });

  it('D10: what skipped.operations drops is counted, the rest is sent', () => {
    const { writer, table, records } = setUp(['u']);
    writer.writeRow(table, row('insert', undefined, '1'));
    writer.writeRow(table, row('update', undefined, '1'));
    writer.writeRow(table, row('update', '1', '2'));
    writer.writeRow(table, row('delete', '2', undefined));
    expect(records).toEqual(['c 1', 'd 2', 'tombstone 2']);
    expect(writer.counts).toMatchObject({ created: 1, updated: 0, deleted: 1, skipped: 2 });
  });

  it('leaves a key change its create where deletes are skipped', () => {
    const { writer, table, records } = setUp(['d']);
    writer.writeRow(table, row('update', '1', '2'));
    expect(records).toEqual(['c 2']);
  });

  it('sends no tombstone when told so', () => {
    const { writer, table, records } = setUp([], false);
    writer.writeRow(table, row('delete', '1', undefined));
    expect(records).toEqual(['d 1']);
  });

  it('writes the rows of a refused schema like all others, with its headers, and counts them', () => {
    const { writer, table, records, headers } = setUp();
    const why = [['why', Buffer.from('w')]] as const;
    const refused: TablePlan = { ...table, deadLetter: { headers: why, headerBlock: encodeHeaders(why) } };
    writer.writeRow(table, row('insert', undefined, '0'));
    writer.writeRow(refused, row('insert', undefined, '1'));
    writer.writeRow(refused, row('update', undefined, '1'));
    writer.writeRow(refused, row('update', '1', '2'));
    writer.writeRead(refused, tuple('3'));
    writer.writeTruncate(refused);
    expect(records).toEqual(['c 0', 'c 1', 'u 1', 'd 1', 'tombstone 1', 'c 2', 'r 3', 't ']);
    const plain = 'why';
    expect(headers).toEqual(['', plain, plain, '__debezium.newkey why', '__debezium.newkey why', '__debezium.oldkey why', plain, plain]);
    expect(writer.counts).toMatchObject({ created: 3, updated: 1, deleted: 1, read: 1, truncated: 1, deadLettered: 6 });
  });
});
