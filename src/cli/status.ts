/**
 * Owns `slotline status`: the slot's state and lag by SQL, once or again and again. It asks PostgreSQL only, so it also
 * works while the connector is down. Exit codes: 0 done, 1 a slot could not be read or is missing or lost, 2 config.
 */
import { SlotlineError, toSlotlineError } from '../core/errors.ts';
import { formatLsn, type Lsn } from '../core/lsn.ts';
import type { TaskOptions } from '../core/options.ts';
import { prettyBytes } from '../core/pretty-bytes.ts';
import { wait } from '../core/time.ts';
import { type BackendWait, describeWait, loadBackendWait } from '../postgres/catalog/blockers.ts';
import { openSession, type PgSession } from '../postgres/session/open-session.ts';
import {
  findSlotMaker,
  isLost,
  isReadInBulk,
  loadSlot,
  loadSlotLag,
  type SlotLag,
  type SlotState,
  unsuitability,
} from '../postgres/stream/slot.ts';
import type { ExitCode, StatusArguments } from './args.ts';
import { loadAll } from './run.ts';

type StatusReport = {
  readonly connector: string;
  readonly slot: string;
  readonly server: string;
  /**
   * `creating`: the slot, or the temporary one of a snapshot beside it, is being made; `catching_up`: a backlog is read in bulk, and no
   * walsender holds the slot; `lost`: the server removed WAL that it needs; `unsuitable`: it can never be this connector's.
   */
  readonly state: 'creating' | 'streaming' | 'catching_up' | 'idle' | 'lost' | 'unsuitable' | 'missing' | 'unreadable';
  /** What the creation of a slot waits for: which process, in which transaction, since when. */
  readonly waitingFor?: string;
  readonly waitingSeconds?: number;
  readonly blockedBy?: readonly number[];
  readonly activePid?: number;
  readonly confirmedFlushLsn?: string;
  readonly restartLsn?: string;
  readonly currentLsn?: string;
  readonly slotLagBytes?: number;
  readonly slotRetainedBytes?: number;
  readonly walStatus?: string;
  readonly safeWalSizeBytes?: number;
  readonly invalidationReason?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
};

type StatusDeps = { readonly write: (text: string) => void; readonly stop: AbortSignal };

export async function status(args: StatusArguments): Promise<ExitCode> {
  const configs = loadAll(args.configPaths, args);
  if (configs.tag === 'refused') return 2;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return runStatus(configs.all, args, { write: (text) => process.stdout.write(text), stop: stop.signal });
}

/** Looks once; with `watch`, again and again until `stop` aborts. */
export async function runStatus(
  connectors: readonly Pick<TaskOptions, 'database' | 'name' | 'slot'>[],
  args: Pick<StatusArguments, 'watch' | 'intervalMs' | 'json'>,
  deps: StatusDeps,
): Promise<ExitCode> {
  const sessions = new Map<Pick<TaskOptions, 'database' | 'name' | 'slot'>, PgSession>();
  let exitCode: ExitCode = 0;
  try {
    do {
      const reports = await Promise.all(connectors.map((options) => look(options, sessions, deps.stop)));
      if (deps.stop.aborted) break;
      for (const report of reports) deps.write(args.json ? `${JSON.stringify(report)}\n` : printStatus(report));
      exitCode = reports.every(({ state }) => HEALTHY.has(state)) ? 0 : 1;
      if (args.watch) await wait(args.intervalMs, deps.stop);
    } while (args.watch && !deps.stop.aborted);
  } finally {
    await Promise.all([...sessions.values()].map((session) => session.close()));
  }
  // Watching ends because someone stopped it, which is no failure.
  return args.watch ? 0 : exitCode;
}

const HEALTHY: ReadonlySet<StatusReport['state']> = new Set(['creating', 'streaming', 'catching_up', 'idle'] as const);

/** A person waits for the status, so it never takes longer than this, whatever database.connection.timeout.ms says. */
const PATIENCE_MS = 10_000;

/** The session is kept between looks and opened again after a loss. */
async function look(
  options: Pick<TaskOptions, 'database' | 'name' | 'slot'>,
  sessions: Map<Pick<TaskOptions, 'database' | 'name' | 'slot'>, PgSession>,
  stop: AbortSignal,
): Promise<StatusReport> {
  const { hostname, port, dbname } = options.database;
  const head = { connector: options.name, slot: options.slot.name, server: `${hostname}:${port}/${dbname}` };
  try {
    const session = sessions.get(options) ?? (await open(options, stop));
    sessions.set(options, session);
    const query = { timeoutMs: PATIENCE_MS, signal: stop };
    const slot = await loadSlot(session, options.slot.name, query);
    const lag = await loadSlotLag(session, options.slot.name, query);
    if (slot === undefined || lag === undefined) return { ...head, state: 'missing' };
    const unsuitable = unsuitability(slot, dbname);
    const report = { ...head, ...described(slot, lag), ...(unsuitable === undefined ? {} : unsuitableSlot(slot, unsuitable)) };
    if (report.state === 'unsuitable') return report;
    const makerPid = await findSlotMaker(session, options.slot.name, query);
    if (makerPid !== undefined) return { ...report, state: 'creating', ...shownWait(await loadBackendWait(session, makerPid, query)) };
    const isCatchingUp = report.state === 'idle' && (await isReadInBulk(session, options.slot.name, query));
    return isCatchingUp ? { ...report, state: 'catching_up' } : report;
  } catch (error) {
    await sessions.get(options)?.close();
    sessions.delete(options);
    return { ...head, state: 'unreadable', error: shownError(toSlotlineError(error)) };
  }
}

function unsuitableSlot(slot: SlotState, reason: string): Pick<StatusReport, 'state' | 'error'> {
  return { state: 'unsuitable', error: shownError(new SlotlineError('slot_unsuitable', { slot: slot.name, reason })) };
}

function shownWait(wait: BackendWait | undefined): Pick<StatusReport, 'waitingFor' | 'waitingSeconds' | 'blockedBy'> {
  if (wait === undefined) return {};
  const blockedBy = wait.blockers.flatMap(({ pid }) => pid ?? []);
  return { waitingFor: describeWait(wait), ...(wait.seconds === undefined ? {} : { waitingSeconds: Math.round(wait.seconds) }), blockedBy };
}

function open(options: Pick<TaskOptions, 'database'>, stop: AbortSignal): Promise<PgSession> {
  const connectTimeoutMs = Math.min(options.database.connectTimeoutMs, PATIENCE_MS);
  return openSession({ ...options.database, connectTimeoutMs }, { applicationName: 'Slotline Status', signal: stop });
}

function described(slot: SlotState, lag: SlotLag): Omit<StatusReport, 'connector' | 'slot' | 'server'> {
  const fields: [keyof StatusReport, string | number | undefined][] = [
    ['activePid', slot.activePid],
    ['confirmedFlushLsn', shownLsn(slot.confirmedFlushLsn)],
    ['restartLsn', shownLsn(slot.restartLsn)],
    ['currentLsn', shownLsn(lag.currentLsn)],
    ['slotLagBytes', lag.lagBytes],
    ['slotRetainedBytes', lag.retainedBytes],
    ['walStatus', slot.walStatus],
    ['safeWalSizeBytes', slot.safeWalSizeBytes],
    ['invalidationReason', slot.invalidationReason],
  ];
  const known = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  return { state: isLost(slot) ? 'lost' : slot.active ? 'streaming' : 'idle', ...known };
}

function shownLsn(lsn: Lsn | undefined): string | undefined {
  return lsn === undefined ? undefined : formatLsn(lsn);
}

function shownError(error: SlotlineError): NonNullable<StatusReport['error']> {
  return { code: error.code, message: error.message, remedy: error.remedy };
}

/** One line, so that `--watch` is a table that scrolls. */
function printStatus(report: StatusReport): string {
  const head = `${report.connector} slot ${report.slot} ${report.state}`;
  if (report.error !== undefined) return `${head}: ${report.error.code}: ${report.error.message}\n  ${report.error.remedy}\n`;
  if (report.state === 'missing') return `${head} (${report.server})\n`;
  const parts = [
    report.state === 'creating' ? creatingWords(report) : undefined,
    report.activePid === undefined ? undefined : `pid ${report.activePid}`,
    `lag ${prettyBytes(report.slotLagBytes)}`,
    `confirmed ${report.confirmedFlushLsn ?? '-'}`,
    `WAL at ${report.currentLsn ?? '-'}`,
    `restart ${report.restartLsn ?? '-'} keeps ${prettyBytes(report.slotRetainedBytes)}`,
    `wal_status ${report.walStatus ?? '-'}`,
    report.safeWalSizeBytes === undefined ? undefined : `${prettyBytes(report.safeWalSizeBytes)} until it is in danger`,
    report.invalidationReason === undefined ? undefined : `invalidated: ${report.invalidationReason}`,
  ];
  return `${head}, ${parts.filter((part) => part !== undefined).join(', ')}\n`;
}

function creatingWords({ waitingFor, waitingSeconds }: StatusReport): string | undefined {
  if (waitingFor === undefined) return undefined;
  return `waits${waitingSeconds === undefined ? '' : `, ${waitingSeconds} s so far,`} for ${waitingFor}`;
}
