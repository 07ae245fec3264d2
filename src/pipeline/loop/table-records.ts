/** Owns the compiled records of one relation version: Debezium's shapes of its plan, in the configured formats. */
import type { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import type { CompiledRecord, RecordSerde } from '../../serde/record-serde.ts';

export type TableRecords = {
  /** For create, update, delete and read. */
  readonly row: CompiledRecord;
  /** A truncate has no key. */
  readonly truncate: CompiledRecord;
};

/** Compiles without asking the registry. Throws string_key_bytes. */
export function compileTable(plan: RowPlan, shapes: DebeziumShapes, serde: Pick<RecordSerde, 'compile'>): TableRecords {
  const { row, truncate } = shapes.ofTable(plan);
  const compiled = serde.compile(row);
  return { row: compiled, truncate: row.value === truncate.value ? { key: undefined, value: compiled.value } : serde.compile(truncate) };
}
