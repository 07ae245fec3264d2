/** Owns the records of one relation version, compiled: Debezium's shapes of its plan, in the formats that are asked for. */
import type { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import type { CompiledRecord, RecordSerde } from '../../serde/record-serde.ts';

export type TableRecords = {
  /** Create, update, delete, read. */
  readonly row: CompiledRecord;
  /** Without a key. */
  readonly truncate: CompiledRecord;
};

/** Asks nobody. Throws string_key_bytes. */
export function compileTable(plan: RowPlan, shapes: DebeziumShapes, serde: Pick<RecordSerde, 'compile'>): TableRecords {
  const { row, truncate } = shapes.ofTable(plan);
  const compiled = serde.compile(row);
  return { row: compiled, truncate: row.value === truncate.value ? { key: undefined, value: compiled.value } : serde.compile(truncate) };
}
