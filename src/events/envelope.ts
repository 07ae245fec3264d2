/**
 * Owns which kind of change a row message is, which decides the records that follow. The bytes are made in serde/, and records are sent in
 * pipeline/. Source: io.debezium.relational.RelationalChangeRecordEmitter; reference for D9.
 */
import type { RowMessage } from '../pgoutput/messages.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { keyCellsDiffer, type RowPlan } from './row-plan.ts';

/** The letter in the envelope's `op`. */
export type Op = 'c' | 'u' | 'd' | 'r' | 't' | 'm';

/**
 * keyChange: an update with another cell in its key. If the published keys differ too, it becomes a delete of the old key, a tombstone and a
 * create of the new key (D9); else it is an update. none: the message has no cells.
 */
export type Change = 'create' | 'update' | 'delete' | 'keyChange' | 'none';

export function classifyChange(row: RowMessage, plan: RowPlan): Change {
  switch (row.tag) {
    case 'insert':
      return row.after.count === 0 ? 'none' : 'create';
    case 'delete':
      return row.before.count === 0 ? 'none' : 'delete';
    case 'update':
      if (row.after.count === 0) return 'none';
      if (row.old !== 'none' && plan.key.length > 0 && keyCellsDiffer(plan, row.before, row.after)) return 'keyChange';
      return 'update';
  }
}

/**
 * Copies cells that were not sent from the old tuple to the new one, so that `after` and the key are whole. The old tuple has them with
 * REPLICA IDENTITY FULL; with other identities it has those of the identity's own columns.
 */
export function fillUnchanged(row: RowMessage): void {
  if (row.tag !== 'update' || row.old === 'none') return;
  const { before, after } = row;
  for (let i = 0; i < after.count; i++) {
    if (after.kinds[i] === CellKind.unchanged && i < before.count && before.kinds[i] === CellKind.text) copyCell(before, after, i);
  }
}

function copyCell(from: TupleView, to: TupleView, index: number): void {
  to.kinds[index] = from.kinds[index] ?? CellKind.null;
  to.starts[index] = from.starts[index] ?? 0;
  to.ends[index] = from.ends[index] ?? 0;
}
