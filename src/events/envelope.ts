/**
 * Owns what a row message becomes: which change it is and so which records follow. The bytes are serde's, the sending the
 * pipeline's. Source: io.debezium.relational.RelationalChangeRecordEmitter; reference for D9.
 */
import type { RowMessage } from '../pgoutput/messages.ts';
import { CellKind, type TupleView } from '../pgoutput/tuple.ts';
import { keyCellsDiffer, type RowPlan } from './row-plan.ts';

/** Envelope's op letter. */
export type Op = 'c' | 'u' | 'd' | 'r' | 't' | 'm';

/**
 * keyChange: an update with another cell in its key. Where the published keys differ too it is a delete of the old key, a tombstone and
 * a create of the new key (D9), else an update. none: a message that carries no cell.
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
 * Under REPLICA IDENTITY FULL an unchanged TOASTed cell stands in the old tuple, and so does one of the identity's own columns
 * under every identity: the new tuple takes it from there, so that `after` and the key are whole.
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
