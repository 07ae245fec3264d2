/** Owns the checks of SQL in the config, snapshot.select.statement.overrides and heartbeat.action.query: the server plans it without running it. */
import { toSlotlineError } from '../../core/errors.ts';
import type { TaskOptions } from '../../core/options.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { StartDecision } from '../../snapshot/decision.ts';
import { findOverride, overrideError } from '../../snapshot/select-override.ts';
import { fail, type Judgement, nameOf, ok, warn } from './judgement.ts';
import { isSnapshot } from './start.ts';

const CHECK = 'tables.select_overrides';

export async function checkSelectOverrides(
  session: PgSession,
  options: Pick<TaskOptions, 'snapshot'>,
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

/**
 * Checks the query if EXPLAIN takes it. Several statements in one text, and statements that EXPLAIN does not know (syntax_error), are left
 * for the first heartbeat to try. A query that is refused does not stop a start.
 */
export async function checkHeartbeatQuery(session: PgSession, options: Pick<TaskOptions, 'events'>): Promise<Judgement[]> {
  const { actionQuery, intervalMs } = options.events.heartbeat;
  if (actionQuery === undefined || intervalMs === 0) return [];
  await session.simple('begin read only');
  try {
    // The extended protocol takes exactly one statement, so nothing after a semicolon can run.
    await session.query(`explain ${actionQuery}`);
    return [];
  } catch (thrown) {
    const error = toSlotlineError(thrown);
    const state = error.details.sqlState;
    if (typeof state !== 'string') throw error;
    if (!state.startsWith('42') || state === SYNTAX_ERROR) return [];
    const what = `The server refuses heartbeat.action.query: ${String(error.details.message)}`;
    return [
      warn('heartbeat.action_query', what, {
        remedy: 'It is tried again with each heartbeat; nothing else depends on it.',
        start: { tried: true },
      }),
    ];
  } finally {
    await session.simple('rollback');
  }
}

const SYNTAX_ERROR = '42601';
