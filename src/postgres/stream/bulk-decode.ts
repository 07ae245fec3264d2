/**
 * Owns reading the frames of a slot by SQL, many transactions in one result. pg_logical_slot_get_binary_changes under COPY consumes a
 * temporary copy of the slot in slices. That is several times as fast as a walsender, which flushes each message by itself. The real slot is
 * not touched. Does not decide when to read in bulk, how far, or what may be confirmed (pipeline/reading/catch-up.ts).
 *
 * The next slice is asked for before the last one is handed over, so the server decodes while we still work on its last result. Each slice
 * ends after a commit, and the temporary slot remembers where: this file computes no edge that could cut or repeat a transaction.
 * Source: PostgreSQL manual, "Replication Management Functions", "COPY" (binary format).
 */
import { byteAt, int16At, int32At, uint32At } from '../../core/byte-reader.ts';
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, LSN_ZERO, type Lsn, lsnFromWords, parseLsn } from '../../core/lsn.ts';
import type { Fingerprints } from '../catalog/catalog-moment.ts';
import { quoteLiteral } from '../identifiers.ts';
import { noticeOf, serverError } from '../session/errors.ts';
import type { PgSession } from '../session/open-session.ts';
import { ReadAhead } from './read-ahead.ts';
import { type FrameConsumer, type PluginSettings, pluginParams } from './replication-stream.ts';
import { advanceSlot, bulkCopyName } from './slot.ts';
import { queryMessage, WireReader } from './wire-reader.ts';

type BulkSettings = PluginSettings & {
  readonly slotName: string;
  /** Loads the fingerprints of the catalog's present descriptions. A slice is read after it was decoded, so its transactions are committed by then. */
  readonly fingerprints: (oids: readonly number[]) => Promise<Fingerprints>;
  /** How much may be read ahead of the consumer. */
  readonly readAheadBytes: number;
};

export type Slice = {
  /** All transactions that commit before this position were handed over, and none that commits after it. */
  readonly endLsn: Lsn;
  /** Where the server begins to read WAL for the next slice. It does not move while an older transaction is open. */
  readonly restartLsn: Lsn;
  readonly frames: number;
};

/** Says up to which LSN the next slice is to go; undefined: no further slice. Called one slice ahead. */
type NextEdge = () => Lsn | undefined;

const Tag = { copyData: 0x64, dataRow: 0x44, error: 0x45, notice: 0x4e, readyForQuery: 0x5a } as const;
const Frame = { begin: 0x42, origin: 0x4f, relation: 0x52, type: 0x59 } as const;
const BEGIN_BYTES = 21;
const BEGIN_XID_AT = 17;
/** How many slices may be asked for at once. */
const AHEAD = 2;
/** 'PGCOPY\n\377\r\n\0', Int32 flags, Int32 length of the extension. */
const COPY_HEAD = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const COPY_HEAD_BYTES = COPY_HEAD.length + 8;
/** Int16 2, Int32 8, Int64 LSN, Int32 length. */
const ROW_HEAD_BYTES = 18;
const COLUMNS = 2;

type DescribedRelation = {
  readonly text: Buffer;
  /** The fingerprint of its catalog entries when they were last compared. */
  fingerprint: string | undefined;
  /** True where the description was handed over after its fingerprint was read. */
  isCurrent: boolean;
};

export class BulkDecode {
  readonly #session: PgSession;
  readonly #settings: BulkSettings;
  readonly #copyName: string;
  readonly #done = Promise.withResolvers<void>();
  readonly #reader: WireReader;
  readonly #readAhead: ReadAhead;
  #consumer: FrameConsumer | undefined;
  #onSlice: (slice: Slice) => void = () => {};
  #nextEdge: NextEdge = () => undefined;
  #asked = 0;
  #inHead = true;
  #frames = 0;
  readonly #begin = new Uint8Array(BEGIN_BYTES);
  #beginLsn: Lsn | undefined;
  #answer: { endLsn: Lsn; restartLsn: Lsn } | undefined;
  /** Where the next slice begins; notices, which come before a slice's frames, get this position. */
  #sliceLsn: Lsn;
  #ended = false;
  #hasFailed = false;
  /** The last description of each relation; a slice describes all its relations anew. */
  readonly #relations = new Map<number, DescribedRelation>();
  readonly #described = new Set<number>();
  /** Sessions see every transaction before this one; undefined: the catalog was not asked for this slice. */
  #visibleXmin: number | undefined;

  private constructor(session: PgSession, settings: BulkSettings, { copyName, fromLsn }: { copyName: string; fromLsn: Lsn }) {
    this.#session = session;
    this.#sliceLsn = fromLsn;
    this.#settings = settings;
    this.#copyName = copyName;
    this.#done.promise.catch(() => {});
    const reader = new WireReader(
      {
        onMessage: (tag, bytes, start, end) => this.#onMessage(tag, bytes, start, end),
        onDrained: () => this.#consumer?.onDrained(),
        onError: (error) => this.#end(error),
      },
      () => this.#readAhead.resume(),
    );
    const { host, port } = session.address;
    this.#reader = reader;
    this.#readAhead = new ReadAhead({
      bytesMax: settings.readAheadBytes,
      reader,
      resumeSocket: () => session.resumeReading(),
      onClosed: (error) => this.fail(new SlotlineError('pg_connection_lost', { host, port, message: error?.message })),
    });
  }

  /**
   * Makes the temporary copy and moves it to `fromLsn`, which is the end of a commit, or a position of a slot or a slice. `session` is an
   * SQL session. Throws replication_slots_exhausted, pg_privilege_missing, slot_missing …
   */
  static async open(session: PgSession, settings: BulkSettings, fromLsn: Lsn): Promise<BulkDecode> {
    const copyName = bulkCopyName(settings.slotName, session.processId);
    const rows = await session.query<{ lsn: string | null }>(
      'select lsn::text from pg_catalog.pg_copy_logical_replication_slot($1::name, $2::name, true)',
      [settings.slotName, copyName],
      { subject: 'slot' },
    );
    const copiedLsn = rows[0]?.lsn;
    if (typeof copiedLsn === 'string' && parseLsn(copiedLsn) < fromLsn) {
      await advanceSlot(session, copyName, fromLsn);
    }
    return new BulkDecode(session, settings, { copyName, fromLsn });
  }

  get processId(): number {
    return this.#session.processId;
  }

  /** Resolves when `nextEdge` returned undefined and everything that was asked for is handed over. Rejects with the error that ended it. */
  async run(consumer: FrameConsumer, o: { readonly nextEdge: NextEdge; readonly onSlice: (slice: Slice) => void }): Promise<void> {
    this.#consumer = consumer;
    this.#nextEdge = o.nextEdge;
    this.#onSlice = o.onSlice;
    this.#session.takeOver(this.#readAhead);
    this.#ask();
    await this.#done.promise;
  }

  /** True where the server or the connection failed, not the consumer. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** True while something was asked for and is not completely handed over. */
  get isAwaited(): boolean {
    return this.#asked > 0;
  }

  get receivedBytes(): number {
    return this.#readAhead.receivedBytes;
  }

  /** True while the consumer is not ready for the next frame. */
  get isHeld(): boolean {
    return this.#reader.paused;
  }

  /** Bytes that were received and not handed over yet. */
  get waitingBytes(): number {
    return this.#readAhead.waitingBytes;
  }

  /** Ends the reading: run() rejects with the error. */
  fail(error: SlotlineError): void {
    if (!this.#ended) this.#hasFailed = true;
    this.#end(error);
  }

  /** From now on nothing more is handed over. */
  stopReading(): void {
    this.#reader.stop();
  }

  /** Closes the session; the server drops the temporary slot with it. */
  async close(): Promise<void> {
    this.#end(undefined);
    await this.#session.close();
  }

  #ask(): void {
    while (this.#asked < AHEAD) {
      const edge = this.#nextEdge();
      if (edge === undefined) break;
      this.#asked++;
      this.#session.write(queryMessage(this.#sliceSql(edge)));
    }
    if (this.#asked === 0) this.#end(undefined);
  }

  #sliceSql(edge: Lsn): string {
    const list = pluginParams(this.#settings).flat().map(quoteLiteral).join(', ');
    const slot = quoteLiteral(this.#copyName);
    return `copy (select lsn, data from pg_catalog.pg_logical_slot_get_binary_changes(${slot}, '${formatLsn(edge)}', null, ${list}))
 to stdout (format binary);
select confirmed_flush_lsn, restart_lsn from pg_catalog.pg_replication_slots where slot_name = ${slot}`;
  }

  #onMessage(tag: number, bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    switch (tag) {
      case Tag.copyData:
        return this.#onCopyData(bytes, start, end);
      case Tag.dataRow:
        this.#answer = positionsOf(bytes, start);
        return undefined;
      case Tag.readyForQuery:
        this.#onSliceEnd();
        return undefined;
      case Tag.notice:
        this.#settings.onNotice?.(noticeOf(bytes.subarray(start, end), this.#sliceLsn));
        return undefined;
      case Tag.error:
        this.fail(serverError(bytes.subarray(start, end), { slot: this.#settings.slotName }));
        return undefined;
      default:
        return undefined;
    }
  }

  #onCopyData(bytes: Uint8Array, messageStart: number, end: number): undefined | Promise<void> {
    let start = messageStart;
    if (this.#inHead) {
      this.#inHead = false;
      start += COPY_HEAD_BYTES;
    }
    if (end - start < ROW_HEAD_BYTES) return undefined;
    if (
      int16At(bytes, start) !== COLUMNS ||
      int32At(bytes, start + 2) !== 8 ||
      int32At(bytes, start + 14) !== end - start - ROW_HEAD_BYTES
    ) {
      throw new SlotlineError('stream_frame_unknown', { what: 'row of decoded changes', offset: start });
    }
    this.#frames++;
    const lsn = lsnFromWords(uint32At(bytes, start + 6), uint32At(bytes, start + 10));
    const at = start + ROW_HEAD_BYTES;
    switch (at < end ? byteAt(bytes, at) : 0) {
      case Frame.begin:
        this.#begin.set(bytes.subarray(at, at + BEGIN_BYTES));
        this.#beginLsn = lsn;
        return undefined;
      case Frame.origin:
        // Of the messages that the plugin writes together, only the last one has an LSN in the stream.
        if (this.#beginLsn !== undefined) this.#beginLsn = LSN_ZERO;
        return this.#handOver(bytes, at, end, lsn);
      case Frame.relation:
        return this.#onRelation(bytes, at, end);
      case Frame.type:
        return this.#handOver(bytes, at, end, LSN_ZERO);
      default:
        return this.#handOver(bytes, at, end, lsn);
    }
  }

  /** Holds back the begin of a transaction until it is known whether an origin follows. */
  #handOver(bytes: Uint8Array, start: number, end: number, lsn: Lsn): undefined | Promise<void> {
    const consumer = this.#consumer;
    const beginLsn = this.#beginLsn;
    if (consumer === undefined || beginLsn === undefined) return consumer?.onFrame(bytes, start, end, lsn);
    this.#beginLsn = undefined;
    const begun = consumer.onFrame(this.#begin, 0, BEGIN_BYTES, beginLsn);
    return begun === undefined ? consumer.onFrame(bytes, start, end, lsn) : begun.then(() => consumer.onFrame(bytes, start, end, lsn));
  }

  /**
   * Each slice begins like a new connection and describes its tables again. A description that only repeats the last one is left out; a
   * second description within one slice means a change. A first one may hide a change that descriptions do not show, such as a default, so
   * the catalog is asked once for each slice.
   */
  #onRelation(bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    const oid = uint32At(bytes, start + 1);
    const known = this.#relations.get(oid);
    const isRepeated = !this.#described.has(oid) && known?.text.equals(bytes.subarray(start, end)) === true;
    if (isRepeated && this.#visibleXmin === undefined) return this.#compare().then(() => this.#onRelation(bytes, start, end));
    this.#described.add(oid);
    if (known === undefined || !isRepeated) {
      this.#relations.set(oid, { text: Buffer.from(bytes.subarray(start, end)), fingerprint: undefined, isCurrent: false });
      return this.#handOver(bytes, start, end, LSN_ZERO);
    }
    if (known.isCurrent && this.#isVisible()) return undefined;
    known.isCurrent = true;
    return this.#handOver(bytes, start, end, LSN_ZERO);
  }

  async #compare(): Promise<void> {
    const { byOid, xmin } = await this.#settings.fingerprints([...this.#relations.keys()]);
    for (const [oid, relation] of this.#relations) {
      const fingerprint = byOid.get(oid) ?? '';
      if (relation.fingerprint !== fingerprint) relation.isCurrent = false;
      relation.fingerprint = fingerprint;
    }
    this.#visibleXmin = xmin;
  }

  /** False where the transaction was perhaps not visible yet when the catalog was asked: then the answer does not count. */
  #isVisible(): boolean {
    return ((uint32At(this.#begin, BEGIN_XID_AT) - (this.#visibleXmin ?? 0)) | 0) < 0;
  }

  #onSliceEnd(): void {
    const answer = this.#answer;
    if (answer === undefined) throw new SlotlineError('stream_frame_unknown', { what: 'end of a chunk without its position' });
    const slice = { ...answer, frames: this.#frames };
    this.#asked--;
    this.#inHead = true;
    this.#frames = 0;
    this.#answer = undefined;
    this.#sliceLsn = answer.endLsn;
    this.#described.clear();
    this.#visibleXmin = undefined;
    this.#onSlice(slice);
    this.#ask();
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader.stop();
    if (error === undefined) this.#done.resolve();
    else this.#done.reject(error);
    if (error !== undefined) this.#session.destroy();
  }
}

/** DataRow of two LSNs as text: Int16 2, per column Int32 length, bytes. */
function positionsOf(bytes: Uint8Array, start: number): { endLsn: Lsn; restartLsn: Lsn } {
  const firstBytes = int32At(bytes, start + 2);
  const second = start + 6 + firstBytes;
  const text = (at: number, length: number): string => Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
  return { endLsn: parseLsn(text(start + 6, firstBytes)), restartLsn: parseLsn(text(second + 4, int32At(bytes, second))) };
}
