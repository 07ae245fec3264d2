/**
 * Owns the SELECTs that stand for whole tables in a snapshot (snapshot.select.statement.overrides): which table an entry
 * names, and the way from the columns of its result to those of the table. Does not run them (initial.ts).
 * Source: io.debezium.relational.TableId, TableIdParser; io.debezium.util.ColumnUtils.toArray.
 */
import { elementAt } from '../core/byte-reader.ts';
import { SlotlineError } from '../core/errors.ts';
import type { SnapshotOptions } from '../core/options.ts';
import { CellKind, TupleView } from '../pgoutput/tuple.ts';

type SelectOverrides = SnapshotOptions['selectOverrides'];

type NamedTable = { readonly schema: string; readonly table: string };
type ReadTable = NamedTable & { readonly columns: readonly { readonly name: string }[] };

/** The SELECT of a table, if it has one. Names are compared as they are, not as patterns, in their case; quotes may stand around each part. */
export function findOverride(overrides: SelectOverrides, { schema, table }: NamedTable): string | undefined {
  return overrides.find((override) => parseTableName(override.table) === `${schema}.${table}`)?.select;
}

/** `"a"."b"` and `a . b` are `a.b`. Quotes of all three kinds are taken off, doubled ones inside stand for one. */
export function parseTableName(text: string): string {
  const parts = text.match(/(["'`])(?:(?!\1).|\1\1)*\1|[^.\s"'`][^.]*/gsu) ?? [];
  return parts.map((part) => unquote(part.trim())).join('.');
}

function unquote(part: string): string {
  const quote = part.charAt(0);
  const isQuoted = part.length > 1 && `"'\``.includes(quote) && part.endsWith(quote);
  const bare = isQuoted ? part.slice(1, -1) : part;
  return bare.replaceAll(`''`, `'`).replaceAll('""', '"').replaceAll('``', '`');
}

/** Presents rows of a SELECT in the order of the table's columns; a column that it does not give reads as null. */
export class ColumnMapping {
  readonly #view = new TupleView();
  /** Per column of the table: its position in the result, -1 for none. */
  readonly #positions: Int32Array;

  /** Throws select_override_failed for a column that the table does not have. Of a column that appears twice, the last one counts. */
  constructor(table: ReadTable, resultColumns: readonly string[]) {
    const known = new Map(table.columns.map(({ name }, index) => [name, index]));
    this.#positions = new Int32Array(table.columns.length).fill(-1);
    for (const [position, name] of resultColumns.entries()) {
      const index = known.get(name);
      if (index === undefined) throw overrideError(table, `it gives a column ${name}, which the table does not have`);
      this.#positions[index] = position;
    }
    this.#view.count = table.columns.length;
  }

  /** The result is valid as long as `row` is. */
  map(row: TupleView): TupleView {
    const view = this.#view;
    view.source = row.source;
    for (let i = 0; i < view.count; i++) {
      const position = elementAt(this.#positions, i);
      view.kinds[i] = position === -1 ? CellKind.null : elementAt(row.kinds, position);
      if (position === -1) continue;
      view.starts[i] = elementAt(row.starts, position);
      view.ends[i] = elementAt(row.ends, position);
    }
    return view;
  }
}

export function overrideError({ schema, table }: NamedTable, reason: string, cause?: unknown): SlotlineError {
  return new SlotlineError('select_override_failed', { table: `${schema}.${table}`, reason }, { cause });
}
