/** Owns the check of snapshot.select.statement.overrides: each SELECT is planned by the server, and none is run. */
import { toSlotlineError } from '../../core/errors.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import type { TableDescription } from '../../postgres/catalog.ts';
import type { PgSession } from '../../postgres/connection.ts';
import { findOverride } from '../../snapshot/select-override.ts';
import { fail, type Judgement, ok } from './judgement.ts';
import { nameOf } from './tables.ts';

const CHECK = 'tables.select_overrides';

export async function checkSelectOverrides(
  session: PgSession,
  options: ResolvedOptions,
  captured: readonly TableDescription[],
): Promise<Judgement[]> {
  const items: Judgement[] = [];
  if (options.snapshot.mode === 'no_data') return items;
  for (const table of captured) {
    const select = findOverride(options.snapshot.selectOverrides, table);
    if (select === undefined) continue;
    const where = nameOf(table);
    const reason = await planningProblem(session, select);
    if (reason === undefined) items.push(ok(CHECK, 'The snapshot reads it by the SELECT of the config', { where }));
    else items.push(fail(CHECK, 'select_override_failed', `The SELECT of the config is refused: ${reason}`, { where }));
  }
  return items;
}

async function planningProblem(session: PgSession, select: string): Promise<string | undefined> {
  await session.simple('begin read only');
  try {
    await session.simple(`explain ${select}`);
    return undefined;
  } catch (thrown) {
    const error = toSlotlineError(thrown);
    if (typeof error.details.sqlState !== 'string') throw error;
    return error.details.sqlState.startsWith('42') ? String(error.details.message) : `SQLSTATE ${error.details.sqlState}`;
  } finally {
    await session.simple('rollback');
  }
}
