/** Owns the check of snapshot.select.statement.overrides: each SELECT is planned by the server, and none is run. */
import { toSlotlineError } from '../../core/errors.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import type { TableDescription } from '../../postgres/catalog.ts';
import type { PgSession } from '../../postgres/connection.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { findOverride, overrideError } from '../../snapshot/select-override.ts';
import { fail, type Judgement, nameOf, ok } from './judgement.ts';
import { isSnapshot } from './start.ts';

const CHECK = 'tables.select_overrides';

export async function checkSelectOverrides(
  session: PgSession,
  options: ResolvedOptions,
  { captured, decision }: { readonly captured: readonly TableDescription[]; readonly decision: StartDecision | undefined },
): Promise<Judgement[]> {
  const items: Judgement[] = [];
  if (decision === undefined ? options.snapshot.mode === 'no_data' : !isSnapshot(decision)) return items;
  for (const table of captured) {
    const select = findOverride(options.snapshot.selectOverrides, table);
    if (select === undefined) continue;
    const where = nameOf(table);
    const reason = await planningProblem(session, table, select);
    if (reason === undefined) items.push(ok(CHECK, 'The snapshot reads it by the SELECT of the config', { where }));
    else {
      const start = { error: overrideError(table, reason) };
      items.push(fail(CHECK, 'select_override_failed', `The SELECT of the config is refused: ${reason}`, { where, start }));
    }
  }
  return items;
}

async function planningProblem(session: PgSession, table: TableDescription, select: string): Promise<string | undefined> {
  await session.simple('begin read only');
  try {
    await session.simple(`explain ${select}`);
    const known = new Set(table.columns.map(({ name }) => name));
    const given = await session.columnsOf(select);
    const unknown = given.find((name) => !known.has(name));
    return unknown === undefined ? undefined : `it gives a column ${unknown}, which the table does not have`;
  } catch (thrown) {
    const error = toSlotlineError(thrown);
    if (typeof error.details.sqlState !== 'string') throw error;
    return error.details.sqlState.startsWith('42') ? String(error.details.message) : `SQLSTATE ${error.details.sqlState}`;
  } finally {
    await session.simple('rollback');
  }
}
