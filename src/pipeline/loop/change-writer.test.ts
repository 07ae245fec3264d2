import { describe, expect, it } from 'vitest';
import { tupleOf } from '../../../test/oracles/tuples.ts';
import { byteAt } from '../../core/byte-reader.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { EventView } from '../../events/event-view.ts';
import type { PlannedColumn, RowPlan } from '../../events/row-plan.ts';
import { SourceInfo } from '../../events/source-info.ts';
import type { RecordView, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { RowMessage } from '../../pgoutput/messages.ts';
import { CellKind, type TupleView } from '../../pgoutput/tuple.ts';
import { encodeHeaders } from '../../serde/record-headers.ts';
import type { RecordHalf } from '../../serde/record-serde.ts';
import type { ValueComparer } from '../../serde/value-comparer.ts';
import { ChangeWriter, noChanges } from './change-writer.ts';
import { TableOutput } from './table-output.ts';
import type { TablePlan } from './table-plans.ts';

const row = (tag: RowMessage['tag'], before: string | undefined, after: string | undefined): RowMessage => ({
  tag,
  relationOid: 1,
  old: before === undefined ? 'none' : 'key',
  before: tupleOf(before ?? ''),
  after: tupleOf(after ?? ''),
});

/** Names and values here are shorter than 64 bytes, so each length takes one byte. */
function headerNames(block: Uint8Array): string {
  const names: string[] = [];
  for (let at = 1; at < block.length; ) {
    const nameEnd = at + 1 + byteAt(block, at) / 2;
    names.push(Buffer.from(block).toString('utf8', at + 1, nameEnd));
    at = nameEnd + 1 + byteAt(block, nameEnd) / 2;
  }
  return names.join(' ');
}

/** Writes keys and values as plain text, and keeps the records in the order in which they are appended. */
function setUp(skipped: readonly ('c' | 'u' | 'd' | 't')[] = [], tombstones = true) {
  const out = new ByteWriter(64);
  const records: string[] = [];
  const text = (view: TupleView): string => Buffer.from(view.source).toString();
  const asked: string[] = [];
  const half = (what: string, write: RecordHalf['write']): { -readonly [K in keyof RecordHalf]: RecordHalf[K] } => ({
    write,
    open: async () => void asked.push(what),
  });
  const value = half('value', ({ op }) => out.text(op));
  const key = half('key', ({ before, after }) => out.text(text(after ?? before ?? tupleOf(''))));
  const headers: string[] = [];
  const append = (_topic: TopicHandle, record: RecordView): void => {
    headers.push(headerNames(record.headers));
    const bytes = Buffer.from(record.bytes);
    const key = bytes.toString('utf8', record.keyStart, Math.max(0, record.keyEnd));
    records.push(record.valueEnd < 0 ? `tombstone ${key}` : `${bytes.toString('utf8', record.valueStart, record.valueEnd)} ${key}`);
  };
  const info = new SourceInfo();
  const counts = noChanges();
  const writer = new ChangeWriter({
    out,
    event: new EventView(info, undefined),
    publisher: { append },
    failures: { try: (write) => write(), row: info },
    counts,
    options: { tombstonesOnDelete: tombstones, skippedOperations: new Set(skipped) },
    contextHeaders: [],
    onRefused: () => {},
  });
  const codec = { schema: { type: 'string', optional: false }, write: () => {} } as unknown as PlannedColumn['codec'];
  const keyColumns: readonly PlannedColumn[] = [{ name: 'id', field: 'id', type: 'text', index: 0, codec }];
  // Keys that differ in case alone are one key.
  const keys = { same: (a: TupleView, b: TupleView) => text(a).toLowerCase() === text(b).toLowerCase() } as unknown as ValueComparer;
  const plan = { key: keyColumns, keySchema: { type: 'struct', optional: false }, topic: 't' } as unknown as RowPlan;
  const compile = () => ({ row: { key, value }, truncate: { key: undefined, value } });
  const openTopic = async (name: string): Promise<TopicHandle> => {
    asked.push(`topic ${name}`);
    return { name, partitionCount: 1, recordBatchBytesMax: 1_000_000 };
  };
  const table: TablePlan = {
    plan,
    output: new TableOutput(plan, { compile, openTopic, transform: undefined, deadLetters: undefined }, async () => {}),
    keys,
    comparer: undefined,
    collection: 'public.t',
    relationColumns: '',
  };
  return { writer, counts, table, records, headers, asked, value, open: () => table.output.open({ withKey: true }) };
}

describe('ChangeWriter', () => {
  it('D9: a key change is delete, tombstone, create', async () => {
    const { writer, table, records, open } = setUp();
    await open();
    writer.writeRow(table, row('update', '1', '2'));
    expect(records).toEqual(['d 1', 'tombstone 1', 'c 2']);
  });

  it('an update that keeps the key is one record', async () => {
    const { writer, table, records, open } = setUp();
    await open();
    writer.writeRow(table, row('update', '1', '1'));
    writer.writeRow(table, row('update', undefined, '1'));
    expect(records).toEqual(['u 1', 'u 1']);
  });

  it('an update to another spelling of the same key is one record', async () => {
    const { writer, table, records, open } = setUp();
    await open();
    writer.writeRow(table, row('update', 'a', 'A'));
    expect(records).toEqual(['u A']);
  });

  it('takes an unchanged cell from the old tuple, also where that holds the key alone', async () => {
    const { writer, table, records, open } = setUp();
    await open();
    const update = row('update', 'long', '');
    update.after.kinds[0] = CellKind.unchanged;
    update.after.source = update.before.source;
    writer.writeRow(table, update);
    expect(update.after.kinds[0]).toBe(CellKind.text);
    expect(update.after.ends[0]).toBe(4);
    expect(records).toEqual(['u long']);
  });

  it('D10: what skipped.operations drops is counted, the rest is sent', async () => {
    const { writer, counts, table, records, open } = setUp(['u']);
    await open();
    writer.writeRow(table, row('insert', undefined, '1'));
    writer.writeRow(table, row('update', undefined, '1'));
    writer.writeRow(table, row('update', '1', '2'));
    writer.writeRow(table, row('delete', '2', undefined));
    expect(records).toEqual(['c 1', 'd 2', 'tombstone 2']);
    expect(counts).toMatchObject({ created: 1, updated: 0, deleted: 1, skipped: 2 });
  });

  it('leaves a key change its create where deletes are skipped', async () => {
    const { writer, table, records, open } = setUp(['d']);
    await open();
    writer.writeRow(table, row('update', '1', '2'));
    expect(records).toEqual(['c 2']);
  });

  it('sends no tombstone when told so', async () => {
    const { writer, table, records, open } = setUp([], false);
    await open();
    writer.writeRow(table, row('delete', '1', undefined));
    expect(records).toEqual(['d 1']);
  });

  it('writes the rows of a refused schema like all others, with its headers, and counts them', async () => {
    const { writer, counts, table, records, headers, open } = setUp();
    await open();
    const why = [['why', Buffer.from('w')]] as const;
    const refused = table;
    writer.writeRow(table, row('insert', undefined, '0'));
    table.output.deadLetter = { headers: why, headerBlock: encodeHeaders(why) };
    writer.writeRow(refused, row('insert', undefined, '1'));
    writer.writeRow(refused, row('update', undefined, '1'));
    writer.writeRow(refused, row('update', '1', '2'));
    writer.writeRead(refused, tupleOf('3'));
    writer.writeTruncate(refused);
    expect(records).toEqual(['c 0', 'c 1', 'u 1', 'd 1', 'tombstone 1', 'c 2', 'r 3', 't ']);
    const plain = 'why';
    expect(headers).toEqual(['', plain, plain, '__debezium.newkey why', '__debezium.newkey why', '__debezium.oldkey why', plain, plain]);
    expect(counts).toMatchObject({ created: 3, updated: 1, deleted: 1, read: 1, truncated: 1, deadLettered: 6 });
  });

  const NEEDS: readonly [string, RowMessage | 'truncate', readonly ('c' | 'u' | 'd' | 't')[], readonly string[]][] = [
    ['an insert', row('insert', undefined, '1'), ['t'], ['key', 'value', 'topic t']],
    ['a delete', row('delete', '1', undefined), ['t'], ['key', 'value', 'topic t']],
    ['a key change', row('update', '1', '2'), ['t'], ['key', 'value', 'topic t']],
    ['a truncate', 'truncate', [], ['value', 'topic t']],
    ['a skipped truncate', 'truncate', ['t'], []],
    ['a skipped insert', row('insert', undefined, '1'), ['c'], []],
    ['a skipped update', row('update', undefined, '1'), ['u'], []],
    ['a skipped delete', row('delete', '1', undefined), ['d'], []],
    ['a key change whose update is skipped', row('update', '1', '2'), ['u'], []],
    ['a key change of which nothing is left', row('update', '1', '2'), ['c', 'd'], []],
    ['a key that is only spelt otherwise, deletes and creates skipped', row('update', 'a', 'A'), ['c', 'd'], ['key', 'value', 'topic t']],
  ];

  it.each(NEEDS)('opens what the first record needs, and nothing without one: %s', async (_what, message, skipped, wanted) => {
    const { writer, counts, table, asked, records } = setUp(skipped);
    const write = (): undefined | Promise<void> => (message === 'truncate' ? writer.writeTruncate(table) : writer.writeRow(table, message));
    const before = { ...counts };
    const opening = write();
    if (wanted.length > 0) {
      expect(records).toEqual([]);
      expect(counts).toEqual(before);
    }
    await opening;
    expect(asked).toEqual(wanted);
    if (wanted.length > 0) {
      expect(write()).toBeUndefined();
      expect(records.length).toBeGreaterThan(0);
    }
  });

  it('opens the key when the first row follows a truncate, and the value once', async () => {
    const { writer, table, asked } = setUp();
    await writer.writeTruncate(table);
    await writer.writeRow(table, row('insert', undefined, '1'));
    expect(asked).toEqual(['value', 'topic t', 'key']);
    expect(writer.writeRow(table, row('insert', undefined, '1'))).toBeUndefined();
    expect(writer.writeTruncate(table)).toBeUndefined();
  });

  it('opens nothing for an update that changes nothing', async () => {
    const { writer, counts, table, asked } = setUp();
    const unchanged = { ...table, comparer: table.keys };
    expect(writer.writeRow(unchanged, row('update', 'a', 'a'))).toBeUndefined();
    expect(asked).toEqual([]);
    expect(counts.skipped).toBe(1);
  });

  it('opens nothing for a row that cannot be converted', () => {
    const { writer, table, asked, value } = setUp();
    const failure = new Error('not convertible');
    value.write = () => {
      throw failure;
    };
    expect(() => writer.writeRow(table, row('insert', undefined, '1'))).toThrow(failure);
    expect(asked).toEqual([]);
  });
});
