/**
 * Owns the initial snapshot: which tables in which order, reading them in one consistent transaction, Debezium's markers,
 * progress. Rows become events through the sink, the same plans and serializers as streaming. Does not decide whether a
 * snapshot is due nor where the stream goes on: pipeline/life/attempt.ts does.
 * Source: io.debezium.relational.RelationalSnapshotChangeEventSource.
 */

import { SlotlineError } from '../core/errors.ts';
import type { Clock } from '../core/time.ts';
import { compilePattern } from '../events/filter.ts';
import type { SnapshotMarker } from '../events/source-info.ts';
import type { TupleView } from '../pgoutput/tuple.ts';
import { quoteIdentifier, quoteTable } from '../postgres/identifiers.ts';
import type { RowConsumer, RowStream } from '../postgres/stream/row-stream.ts';
import { HeldRow } from './held-row.ts';
import { ColumnMapping, overrideError } from './select-override.ts';

export type SnapshotTable = {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly estimatedRows: number;
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[];
  /** A SELECT that gives the rows instead of the table itself. */
  readonly select?: string | undefined;
  /** True: leaves out the rows of tables that inherit from this one. */
  readonly only?: boolean;
  /** SQL conditions; a row has to meet all of them. */
  readonly conditions?: readonly string[];
};

/** A promise pauses the reading: the row is written when it resolves, and stays as it is until then. */
export type WriteRow = (row: TupleView, marker: SnapshotMarker) => undefined | Promise<void>;

export interface SnapshotSink {
  /** Plans the table and opens its topic for the first row; the result appends one row. */
  openTable(table: SnapshotTable, first: TupleView): Promise<WriteRow>;
  /** Called between reads; a returned promise pauses the reading (back-pressure). */
  onDrained(): undefined | Promise<void>;
}

export type SnapshotProgress = {
  readonly table: string;
  readonly tablesDone: number;
  readonly tablesTotal: number;
  readonly rows: number;
  /** From the planner's statistics; 0 where it has none. */
  readonly rowsEstimated: number;
  readonly rowsPerSecond: number;
  readonly elapsedMs: number;
  readonly done: boolean;
};

const PROGRESS_INTERVAL_MS = 1_000;

/** Debezium's order: by the patterns of table.include.list, and by name within one pattern; each table once. */
export function orderTables<T extends { schema: string; table: string }>(tables: readonly T[], patterns: readonly string[]): T[] {
  const name = (table: T): string => `${table.schema}.${table.table}`;
  const sorted = [...tables].sort((a, b) => Buffer.compare(Buffer.from(name(a)), Buffer.from(name(b))));
  const ordered = new Set<T>();
  for (const pattern of patterns.map(compilePattern)) {
    for (const table of sorted) if (pattern.test(name(table))) ordered.add(table);
  }
  for (const table of sorted) ordered.add(table);
  return [...ordered];
}

export class InitialSnapshot {
  readonly #sink: SnapshotSink;
  readonly #clock: Clock;
  readonly #onProgress: (progress: SnapshotProgress) => void;
  readonly #held = new HeldRow();
  /** Appends the held row with a marker; undefined: nothing is held. */
  #writeHeld: WriteRow | undefined;
  #heldIsFirstOfAll = false;
  #heldIsFirstOfTable = false;
  #rows = 0;

  constructor(deps: { sink: SnapshotSink; clock: Clock; onProgress: (progress: SnapshotProgress) => void }) {
    this.#sink = deps.sink;
    this.#clock = deps.clock;
    this.#onProgress = deps.onProgress;
  }

  /** Publishes all rows of the tables; `rows` reads inside the snapshot's transaction. Returns the number of rows. */
  async run(tables: readonly SnapshotTable[], rows: RowStream): Promise<number> {
    const startedMs = this.#clock.monotonicMs();
    const rowsEstimated = tables.reduce((sum, table) => sum + Math.max(0, table.estimatedRows), 0);
    const report = (tablesDone: number, table: string): void => {
      const elapsedMs = this.#clock.monotonicMs() - startedMs;
      this.#onProgress({
        table,
        tablesDone,
        tablesTotal: tables.length,
        rows: this.#rows,
        rowsEstimated,
        rowsPerSecond: elapsedMs > 0 ? Math.round((this.#rows * 1000) / elapsedMs) : 0,
        elapsedMs: Math.round(elapsedMs),
        done: tablesDone === tables.length,
      });
    };
    let reportedMs = startedMs;
    for (const [index, table] of tables.entries()) {
      const name = `${table.schema}.${table.table}`;
      await this.#readTable(table, { rows, isFirst: index === 0 }, () => {
        const now = this.#clock.monotonicMs();
        if (now - reportedMs < PROGRESS_INTERVAL_MS) return;
        reportedMs = now;
        report(index, name);
      });
    }
    await this.#flushHeld('last');
    report(tables.length, '');
    return this.#rows;
  }

  /** Reads one table. Where the very first table is empty, no row is marked as the first of all. A table without rows gets no topic. */
  async #readTable(table: SnapshotTable, { rows, isFirst }: { rows: RowStream; isFirst: boolean }, tick: () => void): Promise<void> {
    let write: WriteRow | undefined;
    let mapping: ColumnMapping | undefined;
    const take = (row: TupleView, firstOfTable: boolean): undefined | Promise<void> => {
      const writing = this.#flushHeld(firstOfTable ? 'last_in_data_collection' : undefined);
      if (writing !== undefined) return writing.then(() => hold(row, firstOfTable));
      hold(row, firstOfTable);
      return undefined;
    };
    const hold = (row: TupleView, firstOfTable: boolean): void => {
      this.#held.hold(row);
      this.#writeHeld = write;
      this.#heldIsFirstOfAll = isFirst && firstOfTable;
      this.#heldIsFirstOfTable = firstOfTable;
      this.#rows++;
    };
    await readRows(rows, table, {
      onColumns: (names) => {
        if (table.select !== undefined) mapping = new ColumnMapping(table, names);
      },
      onRow: (view) => {
        const row = mapping === undefined ? view : mapping.map(view);
        if (write !== undefined) return take(row, false);
        return this.#sink.openTable(table, row).then((opened) => {
          write = opened;
          return take(row, true);
        });
      },
      onDrained: () => {
        this.#held.own();
        tick();
        return this.#sink.onDrained();
      },
    });
  }

  /**
   * `closing` is set where the row is the last one of the snapshot or of its table. Precedence of markers: last, first,
   * last_in_data_collection, first_in_data_collection, true.
   */
  #flushHeld(closing: 'last' | 'last_in_data_collection' | undefined): undefined | Promise<void> {
    const write = this.#writeHeld;
    if (write === undefined) return undefined;
    this.#writeHeld = undefined;
    return write(this.#held.view, this.#markerOfHeld(closing));
  }

  #markerOfHeld(closing: 'last' | 'last_in_data_collection' | undefined): SnapshotMarker {
    if (closing === 'last') return 'last';
    if (this.#heldIsFirstOfAll) return 'first';
    if (closing !== undefined) return closing;
    return this.#heldIsFirstOfTable ? 'first_in_data_collection' : 'true';
  }
}

/** Turns an error in a SELECT of the config into one that names the SELECT. Errors that can interrupt any reading stay as they are. */
async function readRows(rows: RowStream, table: SnapshotTable, consumer: RowConsumer): Promise<void> {
  try {
    await rows.read(table.select ?? selectRows(table), consumer);
  } catch (error) {
    if (error instanceof SlotlineError && error.code === 'pg_text_untranslatable') {
      throw new SlotlineError(error.code, { ...error.details, table: `${table.schema}.${table.table}` }, { cause: error });
    }
    if (table.select === undefined) throw error;
    const state = error instanceof SlotlineError ? String(error.details.sqlState) : '';
    // The server's message about a value would quote it.
    if (error instanceof SlotlineError && state.startsWith('42')) throw overrideError(table, String(error.details.message), error);
    if (state.startsWith('22')) throw overrideError(table, `a value of it is refused (SQLSTATE ${state})`, error);
    throw error;
  }
}

function selectRows(table: SnapshotTable): string {
  const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  return `select ${columns} ${fromClause(table)}`;
}

function fromClause({ only = false, conditions = [], ...table }: SnapshotTable): string {
  const where = conditions.length === 0 ? '' : ` where ${conditions.map((condition) => `(${condition})`).join(' and ')}`;
  return `from ${only ? 'only ' : ''}${quoteTable(table)}${where}`;
}
