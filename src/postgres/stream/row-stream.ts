/**
 * Owns reading whole query results as cells: the socket of a prepared session is taken over and DataRow messages become
 * TupleViews of the receive buffer. Does not know what the query means. For snapshots (docs/adr/0008-snapshot-reader.md).
 * Source: PostgreSQL manual, "Message Formats": DataRow = Int16 count, per column Int32 length (-1 null), bytes.
 */
import { int16At, int32At } from '../../core/byte-reader.ts';
import { SlotlineError } from '../../core/errors.ts';
import { CellKind, TupleView } from '../../pgoutput/tuple.ts';
import { serverError } from '../session/errors.ts';
import type { PgSession } from '../session/open-session.ts';
import { queryMessage, WireReader } from './wire-reader.ts';

export interface RowConsumer {
  /** Called before the first row, also of a result without rows, with the columns' names. */
  onColumns?(names: readonly string[]): void;
  /** Called with each row; the view is valid until the call returns or its promise resolves. A promise pauses reading. */
  onRow(row: TupleView): undefined | Promise<void>;
  /** Called when all rows received so far were handed over; a promise pauses the socket (back-pressure). */
  onDrained(): undefined | Promise<void>;
}

const Tag = { dataRow: 0x44, error: 0x45, rowDescription: 0x54, readyForQuery: 0x5a } as const;

export class RowStream {
  readonly #session: PgSession;
  readonly #row = new TupleView();
  readonly #reader: WireReader;
  #consumer: RowConsumer | undefined;
  #result: PromiseWithResolvers<void> | undefined;
  #failure: unknown;

  /** Takes over the session's socket; the session's open transaction goes on. */
  constructor(session: PgSession) {
    this.#session = session;
    this.#reader = new WireReader(
      {
        onMessage: (tag, bytes, start, end) => this.#onMessage(tag, bytes, start, end),
        onDrained: () => this.#consumer?.onDrained(),
        onError: (error) => this.#fail(error),
      },
      () => session.resumeReading(),
    );
    const { host, port } = session.address;
    session.takeOver({
      room: () => this.#reader.room(),
      received: (count) => this.#reader.received(count),
      onClosed: (error) => this.#fail(new SlotlineError('pg_connection_lost', { host, port, message: error?.message })),
    });
  }

  /** Runs one query; resolves when its last row was handed over. */
  async read(sql: string, consumer: RowConsumer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#consumer = consumer;
    this.#result = Promise.withResolvers<void>();
    this.#session.write(queryMessage(sql));
    try {
      await this.#result.promise;
    } finally {
      this.#result = undefined;
    }
  }

  /** Whether a result is awaited, and how many bytes have come over the connection so far. */
  get progress(): { readonly receivedBytes: number; readonly isWaiting: boolean } {
    return { receivedBytes: this.#reader.receivedBytes, isWaiting: this.#result !== undefined && !this.#reader.paused };
  }

  /** Ends the session: the query that is being read rejects with the error. */
  end(error: SlotlineError): void {
    this.#fail(error);
  }

  /** From now on nothing more is handed over. */
  stop(): void {
    this.#reader.stop();
  }

  #onMessage(tag: number, bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    if (tag === Tag.dataRow) return this.#onDataRow(bytes, start, end);
    if (tag === Tag.error) {
      throw serverError(bytes.subarray(start, end), { host: this.#session.address.host, port: this.#session.address.port });
    } else if (tag === Tag.readyForQuery) {
      this.#result?.resolve();
    } else if (tag === Tag.rowDescription && this.#consumer?.onColumns !== undefined) {
      this.#consumer.onColumns(columnNames(bytes, start));
    }
    return undefined;
  }

  #onDataRow(bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    const row = this.#row;
    const count = int16At(bytes, start);
    let at = start + 2;
    row.source = bytes;
    row.count = count;
    for (let i = 0; i < count; i++) {
      const length = at + 4 <= end ? int32At(bytes, at) : end;
      at += 4;
      if (length === -1) {
        row.kinds[i] = CellKind.null;
        continue;
      }
      if (length > end - at) throw new SlotlineError('stream_frame_unknown', { what: 'row', offset: at - start });
      row.kinds[i] = CellKind.text;
      row.starts[i] = at;
      at += length;
      row.ends[i] = at;
    }
    return this.#consumer?.onRow(row);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#reader.stop();
    this.#result?.promise.catch(() => {});
    this.#result?.reject(error);
    this.#session.destroy();
  }
}

/** After each name: Int32 table, Int16 attribute, Int32 type, Int16 size, Int32 typmod, Int16 format. */
const FIELD_TAIL_BYTES = 18;

/** RowDescription = Int16 count, per column a String name and fields that are not needed here. */
function columnNames(bytes: Uint8Array, start: number): string[] {
  const names: string[] = [];
  let at = start + 2;
  for (let left = int16At(bytes, start); left > 0; left--) {
    const end = bytes.indexOf(0, at);
    names.push(Buffer.from(bytes.subarray(at, end)).toString('utf8'));
    at = end + 1 + FIELD_TAIL_BYTES;
  }
  return names;
}
