/** Row images for tests: cells as text, null, or a TOASTed value that was not sent. */
import { CellKind, TupleView } from '../../src/pgoutput/tuple.ts';

export const UNCHANGED = Symbol('unchanged');

export function tupleOf(...cells: readonly (string | null | typeof UNCHANGED)[]): TupleView {
  const view = new TupleView();
  const texts = cells.map((cell) => Buffer.from(typeof cell === 'string' ? cell : ''));
  view.source = Buffer.concat(texts);
  view.count = cells.length;
  let at = 0;
  for (const [index, cell] of cells.entries()) {
    view.kinds[index] = cell === null ? CellKind.null : cell === UNCHANGED ? CellKind.unchanged : CellKind.text;
    view.starts[index] = at;
    at += texts[index]?.length ?? 0;
    view.ends[index] = at;
  }
  return view;
}
