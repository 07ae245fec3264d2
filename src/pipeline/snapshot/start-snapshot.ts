/**
 * Owns the steps around an initial snapshot: the consistent point, the imported snapshot, catching up to it, remembering
 * that it is complete. Reading the rows is snapshot/initial.ts.
 *
 * New slot: its exported snapshot is exactly what the slot does not send. Existing slot: a temporary slot gives a
 * consistent point S; the real slot is streamed up to S first, then the rows are published, then the stream goes on, so
 * that for no key a position goes backwards and no delete is lost (D8).
 */
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import { tableFacts } from '../../postgres/catalog/catalog.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { RowStream } from '../../postgres/stream/row-stream.ts';
import { temporarySlotName } from '../../postgres/stream/slot.ts';
import { InitialSnapshot, type SnapshotProgress, type SnapshotSink, type SnapshotTable, type WriteRow } from '../../snapshot/initial.ts';
import { misleadingKeys } from '../judgements/misleading.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { tellOnce } from '../loop/misleading-tables.ts';
import { linkWatched } from '../reading/link-watch.ts';
import { limitsOf, silenceLimitMs } from '../reading/session-limits.ts';
import { createSlotOf, type SlotCreationContext } from '../reading/slot-creation.ts';
import { watched } from '../reading/wait-watch.ts';
import { type ChosenTable, chooseSnapshotTables } from './snapshot-tables.ts';

export type SnapshotSource = 'newSlot' | 'existingSlot' | 'noSlot';

type SnapshotSteps = {
  readonly source: SnapshotSource;
  /** Streams the real slot up to the consistent point; only for an existing slot. */
  readonly catchUp: (untilLsn: Lsn) => Promise<void>;
  readonly onProgress: (progress: SnapshotProgress) => void;
};

export type SnapshotResult = { readonly lsn: Lsn; readonly xid: number; readonly timeUs: number; readonly rows: number };

type RowsContext = Pick<AttemptContext, 'clock' | 'live' | 'log' | 'options' | 'plans' | 'publisher' | 'signal' | 'snapshot' | 'sql'>;

/** The publisher was made with the attempt's fence, and a slot is made by leave of it: there is no snapshot without. */
type SnapshotContext = RowsContext & SlotCreationContext & Pick<AttemptContext, 'filter' | 'heartbeat' | 'stream' | 'types'>;

/** Publishes a snapshot of all captured tables; resolves when every record of it is acknowledged. */
export async function takeSnapshot(context: SnapshotContext, steps: SnapshotSteps): Promise<SnapshotResult> {
  const { options, log, signal } = context;
  if (options.snapshot.delayMs > 0) await wait(options.snapshot.delayMs, signal);
  signal.throwIfAborted();
  const reader = await openSession(options.database, { applicationName: 'Slotline Snapshot', signal, ...limitsOf(options, signal) });
  reader.onLost((error) => log.warn('snapshot.session_lost', { code: error.code }));
  try {
    await reader.simple(`set lock_timeout = ${options.snapshot.lockTimeoutMs}`);
    const lsn = await beginAt(context, reader, steps.source);
    const facts = await snapshotFacts(reader);
    log.info('snapshot.started', { lsn: formatLsn(lsn), source: steps.source });
    if (steps.source === 'existingSlot') await steps.catchUp(lsn);
    signal.throwIfAborted();
    const tables = await chooseSnapshotTables(context, reader);
    // As of the reader's snapshot, like the tables; while it reads rows it cannot be asked.
    const typeOids = tables.flatMap(({ columns }) => columns.map(({ typeOid }) => typeOid));
    await context.types.resolve(typeOids, { from: reader, signal });
    const transaction = { commitTimeUs: facts.timeUs, xid: facts.xid };
    const { info } = context.snapshot;
    info.lsn = lsn;
    info.beginTransaction(transaction);
    const reading = { of: 'postgres', what: 'The snapshot', pid: reader.processId, session: async () => context.sql, signal } as const;
    const rows = await watched(context, reading, readTables(context, reader, tables, steps.onProgress));
    // All that the stream takes over from the snapshot.
    context.stream.info.beginBehind(transaction);
    await context.heartbeat?.beat();
    context.publisher.flush();
    await context.publisher.drain(signal);
    log.info('snapshot.completed', { rows, tables: tables.length, lsn: formatLsn(lsn) });
    return { ...facts, lsn, rows };
  } finally {
    await reader.close();
  }
}

/** Opens the reading transaction at the consistent point. */
async function beginAt(
  context: SlotCreationContext & Pick<AttemptContext, 'options'>,
  reader: PgSession,
  source: SnapshotSource,
): Promise<Lsn> {
  const begin = 'begin transaction isolation level repeatable read';
  if (source === 'noSlot') {
    await reader.simple(begin);
    const rows = await reader.query<{ lsn: string }>(CURRENT_LSN_SQL);
    return parseLsn(rows[0]?.lsn ?? '0/0');
  }
  const { options, signal } = context;
  const slotSession = await openSession(options.database, { replication: true, applicationName: 'Slotline Slot', signal });
  try {
    const temporary = source === 'existingSlot';
    const name = temporary ? temporarySlotName(options.slot.name, 'snap', slotSession.processId) : options.slot.name;
    const slot = await createSlotOf(context, slotSession, { name, temporary, failover: options.slot.failover });
    if (!temporary) context.log.info('slot.created', { slot: name, lsn: formatLsn(slot.consistentPoint) });
    await reader.simple(begin);
    await reader.simple(`set transaction snapshot '${slot.snapshotName}'`);
    await reader.simple('select 1');
    return slot.consistentPoint;
  } finally {
    // The imported snapshot lives in the reader's transaction now; a temporary slot goes with its session.
    await slotSession.close();
  }
}

const CURRENT_LSN_SQL = `
select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
            else pg_catalog.pg_current_wal_lsn() end::text as lsn`;

/** What every row's source block says: the reading transaction's id and start. */
async function snapshotFacts(reader: PgSession): Promise<{ xid: number; timeUs: number }> {
  const rows = await reader.query<{ xid: string; time: string }>(
    `select case when pg_catalog.pg_is_in_recovery() then '0' else pg_catalog.pg_current_xact_id()::text end as xid,
            (extract(epoch from pg_catalog.transaction_timestamp()) * 1000000)::int8::text as time`,
  );
  const row = rows[0];
  if (row === undefined) throw new SlotlineError('pg_query_failed', { message: 'no row of snapshot facts' });
  return { xid: Number(row.xid), timeUs: Number(row.time) };
}

async function readTables(
  context: RowsContext,
  reader: PgSession,
  tables: readonly ChosenTable[],
  onProgress: (progress: SnapshotProgress) => void,
): Promise<number> {
  const { clock, signal } = context;
  const sink = new TableSink(context, tables);
  const stream = new RowStream(reader);
  using scope = new Scope();
  scope.listen(signal, () => {
    // A consumer that waits for room gets it from a publisher that is closed, again and again.
    stream.stop();
    reader.destroy();
  });
  try {
    signal.throwIfAborted();
    const link = {
      pid: reader.processId,
      progress: () => stream.progress,
      session: context.sql,
      end: (error: SlotlineError) => stream.end(error),
      limitMs: silenceLimitMs(context.options),
      signal,
    };
    const rows = await linkWatched(context, link, new InitialSnapshot({ sink, clock, onProgress }).run(tables, stream));
    sink.close();
    return rows;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stream.stop();
  }
}

/** The tables of a snapshot as the loop's parts know them, one after the other; the rows of one go to its own plan. */
class TableSink implements SnapshotSink {
  readonly #context: RowsContext;
  readonly #described: ReadonlyMap<number, ChosenTable>;
  #openOid: number | undefined;

  constructor(context: RowsContext, tables: readonly ChosenTable[]) {
    this.#context = context;
    this.#described = new Map(tables.map((table) => [table.oid, table]));
  }

  async openTable(table: SnapshotTable, first: TupleView): Promise<WriteRow> {
    const { plans, clock, options } = this.#context;
    const { changes, info } = this.#context.snapshot;
    const { oid } = table;
    this.close();
    const relation = { ...table, replicaIdentity: 'default' as const, columns: table.columns.map(asRelationColumn) };
    const description = this.#described.get(oid);
    if (description !== undefined) tellOnce(this.#context, 'table.key_misleading', misleadingKeys(description, options));
    const known = await plans.learn(relation, { phase: 'snapshot', facts: tableFacts(description) });
    if (known === null) throw new SlotlineError('unexpected', { message: 'a table of the snapshot is not captured' });
    this.#openOid = oid;
    // A stream that caught up to the snapshot may have described it. It has ended.
    plans.forgetStreamed(oid);
    await changes.openRead(known, first);
    info.nowUs = clock.nowUs();
    return (row, marker) => {
      info.markSnapshot(marker);
      return changes.writeRead(known, row);
    };
  }

  onDrained(): undefined | Promise<void> {
    const { snapshot, clock, publisher } = this.#context;
    snapshot.info.nowUs = clock.nowUs();
    publisher.flush();
    if (publisher.failure !== undefined) throw publisher.failure;
    return publisher.hasCapacity() ? undefined : publisher.whenCapacity();
  }

  /** The table that was open has been read. Its last row may still be held, and has its plan. */
  close(): void {
    if (this.#openOid !== undefined) this.#context.plans.tableRead(this.#openOid);
    this.#openOid = undefined;
  }
}

function asRelationColumn(column: SnapshotTable['columns'][number]): SnapshotTable['columns'][number] & { inKey: boolean } {
  return { ...column, inKey: false };
}
