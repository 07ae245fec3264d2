/**
 * Owns the decoding of one pgoutput message: bytes to Message. Pure; keeps no relation cache and no transaction state.
 * Every malformed input throws `pgoutput_malformed` with tag, byte offset and LSN; nothing malformed becomes a default.
 * Source: PostgreSQL manual, "Logical Replication Message Formats", protocol version 1.
 */
import { byteAt, int16At, int32At, uint32At } from '../core/byte-reader.ts';
import { SlotlineError } from '../core/errors.ts';
import { formatLsn, type Lsn, lsnFromWords } from '../core/lsn.ts';
import type {
  BeginMessage,
  CommitMessage,
  LogicalMessage,
  Message,
  OriginMessage,
  RelationColumn,
  RelationMessage,
  ReplicaIdentity,
  RowMessage,
  TruncateMessage,
  TypeMessage,
} from './messages.ts';
import { CellKind, COLUMNS_MAX, TupleView } from './tuple.ts';

/** Microseconds between 1970-01-01 and PostgreSQL's epoch, 2000-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;

const IDENTITY_BY_BYTE: Readonly<Record<number, ReplicaIdentity>> = {
  0x64: 'default',
  0x6e: 'nothing',
  0x66: 'full',
  0x69: 'index',
};

const Tag = {
  begin: 0x42,
  commit: 0x43,
  delete: 0x44,
  insert: 0x49,
  keyTuple: 0x4b,
  message: 0x4d,
  newTuple: 0x4e,
  origin: 0x4f,
  relation: 0x52,
  truncate: 0x54,
  update: 0x55,
  type: 0x59,
} as const;

/** Decodes messages one at a time; holds the reused row message and a cursor. One per stream. */
export class PgoutputDecoder {
  readonly #row: RowMessage = {
    tag: 'insert',
    relationOid: 0,
    old: 'none',
    before: new TupleView(),
    after: new TupleView(),
  };
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #at = 0;
  #lsn: Lsn = 0 as Lsn;

  /**
   * Decodes bytes[start, end), one whole message; `lsn` is only for errors. The result holds views of `bytes` and is
   * valid until the next call. Throws `pgoutput_malformed`.
   */
  decode(bytes: Uint8Array, start: number, end: number, lsn: Lsn): Message {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#at = start + 1;
    this.#lsn = lsn;
    if (start >= end) throw this.#malformed('empty message', start);
    const message = this.#decodeTagged(byteAt(bytes, start));
    if (this.#at !== end) throw this.#malformed('bytes left over', this.#at);
    return message;
  }

  #decodeTagged(tag: number): Message {
    switch (tag) {
      case Tag.insert:
        return this.#insert();
      case Tag.update:
        return this.#update();
      case Tag.delete:
        return this.#delete();
      case Tag.begin:
        return this.#begin();
      case Tag.commit:
        return this.#commit();
      case Tag.relation:
        return this.#relation();
      case Tag.type:
        return this.#type();
      case Tag.truncate:
        return this.#truncate();
      case Tag.origin:
        return this.#origin();
      case Tag.message:
        return this.#message();
      default:
        throw this.#malformed('unknown message tag', this.#start);
    }
  }

  /** 'I' Int32 relation, 'N' tuple */
  #insert(): RowMessage {
    const row = this.#row;
    row.tag = 'insert';
    row.relationOid = this.#uint32();
    row.old = 'none';
    this.#expect(Tag.newTuple);
    this.#tuple(row.after);
    return row;
  }

  /** 'U' Int32 relation, optional 'K' or 'O' tuple, 'N' tuple */
  #update(): RowMessage {
    const row = this.#row;
    row.tag = 'update';
    row.relationOid = this.#uint32();
    const marker = this.#byte();
    if (marker === Tag.newTuple) {
      row.old = 'none';
    } else {
      row.old = this.#oldKind(marker);
      this.#tuple(row.before);
      this.#expect(Tag.newTuple);
    }
    this.#tuple(row.after);
    return row;
  }

  /** 'D' Int32 relation, 'K' or 'O' tuple */
  #delete(): RowMessage {
    const row = this.#row;
    row.tag = 'delete';
    row.relationOid = this.#uint32();
    row.old = this.#oldKind(this.#byte());
    this.#tuple(row.before);
    return row;
  }

  #oldKind(marker: number): 'key' | 'full' {
    if (marker === Tag.keyTuple) return 'key';
    if (marker === Tag.origin) return 'full';
    throw this.#malformed('unknown tuple marker', this.#at - 1);
  }

  /** Int16 count, then per column: 'n' | 'u' | ('t' | 'b') Int32 length, bytes */
  #tuple(view: TupleView): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    if (at + 2 > end) throw this.#malformed('message ends early', at);
    const count = int16At(bytes, at);
    at += 2;
    if (count < 0 || count > COLUMNS_MAX) throw this.#malformed('impossible column count', at - 2);
    view.source = bytes;
    view.count = count;
    const { kinds, starts, ends } = view;
    for (let i = 0; i < count; i++) {
      if (at >= end) throw this.#malformed('message ends early', at);
      const kind = byteAt(bytes, at++);
      kinds[i] = kind;
      if (kind === CellKind.text || kind === CellKind.binary) {
        if (at + 4 > end) throw this.#malformed('message ends early', at);
        const length = int32At(bytes, at);
        at += 4;
        if (length < 0 || length > end - at) throw this.#malformed('cell reaches past the message', at - 4);
        starts[i] = at;
        at += length;
        ends[i] = at;
      } else if (kind !== CellKind.null && kind !== CellKind.unchanged) {
        throw this.#malformed('unknown cell kind', at - 1);
      }
    }
    this.#at = at;
  }

  /** 'B' Int64 final LSN, Int64 commit time, Int32 xid */
  #begin(): BeginMessage {
    return { tag: 'begin', finalLsn: this.#readLsn(), commitTimeUs: this.#readTimeUs(), xid: this.#uint32() };
  }

  /** 'C' Int8 flags (0), Int64 commit LSN, Int64 end LSN, Int64 commit time */
  #commit(): CommitMessage {
    if (this.#byte() !== 0) throw this.#malformed('unknown commit flags', this.#at - 1);
    return {
      tag: 'commit',
      commitLsn: this.#readLsn(),
      endLsn: this.#readLsn(),
      commitTimeUs: this.#readTimeUs(),
    };
  }

  /** 'O' Int64 LSN of the commit at the origin, String name */
  #origin(): OriginMessage {
    return { tag: 'origin', commitLsn: this.#readLsn(), name: this.#string() };
  }

  /** 'R' Int32 oid, String schema (empty: pg_catalog), String table, Int8 identity, Int16 count, per column: Int8 flags, String name, Int32 type, Int32 typmod */
  #relation(): RelationMessage {
    const oid = this.#uint32();
    const schema = this.#string();
    const table = this.#string();
    const replicaIdentity = IDENTITY_BY_BYTE[this.#byte()];
    if (replicaIdentity === undefined) throw this.#malformed('unknown replica identity', this.#at - 1);
    const count = this.#int16();
    if (count < 0 || count > COLUMNS_MAX) throw this.#malformed('impossible column count', this.#at - 2);
    const columns: RelationColumn[] = [];
    for (let i = 0; i < count; i++) {
      const flags = this.#byte();
      if (flags > 1) throw this.#malformed('unknown column flags', this.#at - 1);
      const name = this.#string();
      columns.push({ name, typeOid: this.#uint32(), typmod: this.#int32(), inKey: flags === 1 });
    }
    return { tag: 'relation', oid, schema: schema === '' ? 'pg_catalog' : schema, table, replicaIdentity, columns };
  }

  /** 'Y' Int32 oid, String schema, String name */
  #type(): TypeMessage {
    const oid = this.#uint32();
    const schema = this.#string();
    return { tag: 'type', oid, schema: schema === '' ? 'pg_catalog' : schema, name: this.#string() };
  }

  /** 'T' Int32 count, Int8 options (1 cascade, 2 restart identity), Int32 oid each */
  #truncate(): TruncateMessage {
    const count = this.#int32();
    const options = this.#byte();
    if (options > 3) throw this.#malformed('unknown truncate options', this.#at - 1);
    if (count < 0 || count * 4 > this.#end - this.#at) throw this.#malformed('impossible relation count', this.#at - 5);
    const relationOids: number[] = [];
    for (let i = 0; i < count; i++) relationOids.push(this.#uint32());
    return { tag: 'truncate', relationOids, cascade: (options & 1) !== 0, restartIdentity: (options & 2) !== 0 };
  }

  /** 'M' Int8 flags (1 transactional), Int64 LSN, String prefix, Int32 length, bytes */
  #message(): LogicalMessage {
    const flags = this.#byte();
    if (flags > 1) throw this.#malformed('unknown message flags', this.#at - 1);
    const lsn = this.#readLsn();
    const prefix = this.#string();
    const length = this.#int32();
    if (length < 0 || length > this.#end - this.#at) throw this.#malformed('content reaches past the message', this.#at - 4);
    const content = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return { tag: 'message', transactional: flags === 1, lsn, prefix, content };
  }

  #need(count: number): void {
    if (this.#end - this.#at < count) throw this.#malformed('message ends early', this.#at);
  }

  #expect(tag: number): void {
    if (this.#byte() !== tag) throw this.#malformed('unknown tuple marker', this.#at - 1);
  }

  #byte(): number {
    this.#need(1);
    return byteAt(this.#bytes, this.#at++);
  }

  #int16(): number {
    this.#need(2);
    this.#at += 2;
    return int16At(this.#bytes, this.#at - 2);
  }

  #int32(): number {
    this.#need(4);
    this.#at += 4;
    return int32At(this.#bytes, this.#at - 4);
  }

  #uint32(): number {
    return this.#int32() >>> 0;
  }

  #readLsn(): Lsn {
    this.#need(8);
    this.#at += 8;
    return lsnFromWords(uint32At(this.#bytes, this.#at - 8), uint32At(this.#bytes, this.#at - 4));
  }

  #readTimeUs(): number {
    this.#need(8);
    this.#at += 8;
    return int32At(this.#bytes, this.#at - 8) * 0x1_0000_0000 + uint32At(this.#bytes, this.#at - 4) + POSTGRES_EPOCH_US;
  }

  #string(): string {
    const stop = this.#bytes.indexOf(0, this.#at);
    if (stop < 0 || stop >= this.#end) throw this.#malformed('string without end', this.#at);
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, stop - this.#at).toString('utf8');
    this.#at = stop + 1;
    return text;
  }

  #malformed(reason: string, at: number): SlotlineError {
    const tag = this.#start < this.#end ? byteAt(this.#bytes, this.#start) : 0;
    return new SlotlineError('pgoutput_malformed', {
      reason,
      tag: tag >= 0x20 && tag < 0x7f ? String.fromCharCode(tag) : `0x${tag.toString(16)}`,
      offset: at - this.#start,
      lsn: formatLsn(this.#lsn),
    });
  }
}
