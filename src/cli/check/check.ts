/**
 * Owns `slotline check`: runs every precondition at once, changes nothing, always ends, and prints what mends each.
 * It judges by pipeline/judgements/, as a start does, and for Kafka and registries by kafka.ts and registry.ts beside this file.
 * Exit codes: 0 ready, 1 something failed, 2 config.
 */
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import type { TaskOptions } from '../../core/options.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import { createKafkaClient, type KafkaClient } from '../../kafka/client.ts';
import { judgeChanges } from '../../pipeline/judgements/changes.ts';
import { failure, type Judgement, section, skipped } from '../../pipeline/judgements/judgement.ts';
import { checkFieldNames } from '../../pipeline/judgements/names.ts';
import { judgePreconditions, type SourceQuestion } from '../../pipeline/judgements/preconditions.ts';
import { checkReplicationLogin, checkServer } from '../../pipeline/judgements/server.ts';
import { judgeHolder } from '../../pipeline/judgements/slot.ts';
import { judgeStart, needsSlot } from '../../pipeline/judgements/start.ts';
import type { CapturedTables } from '../../pipeline/judgements/tables.ts';
import { weighPast } from '../../pipeline/positions/past.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { loadServerFacts, type ServerFacts } from '../../postgres/session/server-facts.ts';
import { loadSlot, type SlotState, unsuitability } from '../../postgres/stream/slot.ts';
import type { CheckArguments, ExitCode } from '../args.ts';
import { loadAll } from '../run.ts';
import { checkCluster, checkOffsets, checkTopics, kafkaTimeout, type Recalled } from './kafka.ts';
import { checkRegistries } from './registry.ts';
import { type CheckReport, makeReport, printReport } from './report.ts';
import { hasRegistry, planCaptured } from './schemas.ts';
import { checkTransforms, topicsOf } from './transforms.ts';

/** `check` always ends: a question that has no answer after this time has failed. */
const OVERALL_TIMEOUT_MS = 30_000;
const LOGIN_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 10_000;
const KAFKA_TIMEOUT_MS = 15_000;
const LINGER_MS = 2_000;

type CheckDeps = {
  readonly kafka: (options: Pick<TaskOptions, 'kafka'>) => KafkaClient;
  readonly timeoutMs: number;
};

export const CHECK_DEPS: CheckDeps = {
  kafka: (options) => createKafkaClient(options.kafka, { log: SILENT_LOG, clock: SYSTEM_CLOCK, random: Math.random }),
  timeoutMs: OVERALL_TIMEOUT_MS,
};

export async function check(args: CheckArguments): Promise<ExitCode> {
  const configs = loadAll(args.configPaths, args);
  if (configs.tag === 'refused') return 2;
  const reports = await Promise.all(configs.all.map((options) => runCheck(options, CHECK_DEPS)));
  for (const report of reports) process.stdout.write(args.json ? `${JSON.stringify(report)}\n` : printReport(report));
  const exitCode = reports.every((report) => report.ok) ? 0 : 1;
  // A connection that hangs while it closes must not keep the process alive; nor must this timer.
  setTimeout(() => process.exit(exitCode), LINGER_MS).unref();
  return exitCode;
}

/** Never throws and never takes longer than `timeoutMs` by much. */
export async function runCheck(options: TaskOptions, deps: CheckDeps): Promise<CheckReport> {
  const stop = AbortSignal.timeout(deps.timeoutMs);
  const captured = Promise.withResolvers<CapturedTables | undefined>();
  const planned = Promise.withResolvers<readonly RowPlan[] | undefined>();
  const remembered = Promise.withResolvers<Recalled>();
  const slotSeen = Promise.withResolvers<void>();
  const told = { onCaptured: captured.resolve, onPlanned: planned.resolve, onSlotSeen: slotSeen.resolve, remembered: remembered.promise };
  const finish = (): void => {
    slotSeen.resolve();
    captured.resolve(undefined);
    planned.resolve(undefined);
  };
  const [postgres, kafka, registries] = await Promise.all([
    checkPostgres(options, stop, told).finally(finish),
    checkKafka(options, deps, {
      stop,
      captured: captured.promise,
      planned: planned.promise,
      slotSeen: slotSeen.promise,
      onRemembered: remembered.resolve,
    }).finally(() => remembered.resolve('unknown')),
    checkRegistries(options, planned.promise, stop),
  ]);
  return makeReport(options.name, [...postgres, ...kafka, ...registries]);
}

async function checkPostgres(given: TaskOptions, stop: AbortSignal, told: Told): Promise<Judgement[]> {
  const connectTimeoutMs = Math.min(given.database.connectTimeoutMs, LOGIN_TIMEOUT_MS);
  const options = { ...given, database: { ...given.database, connectTimeoutMs } };
  let session: PgSession;
  try {
    session = await openCheckSession(options, stop);
  } catch (error) {
    const rest = 'Version, encoding, wal_level, slots, grants, tables, publication and slot: PostgreSQL has to let us in first';
    return [failure('postgres.login', stop.aborted ? timeoutError(options) : error), skipped('postgres', rest)];
  }
  const end = (): void => session.destroy();
  stop.addEventListener('abort', end, { once: true });
  try {
    return await checkSession(session, { options, stop, told });
  } catch (error) {
    return [failure('postgres.facts', stop.aborted ? timeoutError(options) : error)];
  } finally {
    stop.removeEventListener('abort', end);
    await session.close();
  }
}

function openCheckSession(options: Pick<TaskOptions, 'database'>, signal: AbortSignal): Promise<PgSession> {
  return openSession(options.database, { applicationName: 'Slotline Check', signal, queryTimeoutMs: QUERY_TIMEOUT_MS });
}

/** What the checks of PostgreSQL, Kafka and the registry tell each other while they run at once. */
type Told = {
  readonly onCaptured: (tables: CapturedTables) => void;
  readonly onPlanned: (plans: readonly RowPlan[]) => void;
  /** The slot has been read, so the remembered position may be read now. */
  readonly onSlotSeen: () => void;
  readonly remembered: Promise<Recalled>;
};

type SessionChecks = { readonly options: TaskOptions; readonly stop: AbortSignal; readonly told: Told };

async function checkSession(session: PgSession, { options, stop, told }: SessionChecks): Promise<Judgement[]> {
  const server = checkServer(session, await loadServerFacts(session));
  // A connector that runs meanwhile stores a position before it confirms it, and WAL is written before both. Read in the opposite order,
  // a slot that is fine would look like a gap.
  const slot = await loadSlot(session, options.slot.name);
  told.onSlotSeen();
  const recalled = await told.remembered;
  const facts = await loadServerFacts(session);
  const judged = await decide(options, { server: facts, slot, recalled, signal: stop });
  const { decision } = judged;
  const others = recalled === 'unknown' ? [] : recalled.others;
  const held = judged.foreign === undefined ? await section('postgres.slot', () => judgeHolder(session, options, { facts, others })) : [];
  const plans: Judgement[] = [];
  // Asked before the replication login, which occupies a walsender while it lasts.
  const source = judgePreconditions(session, options, {
    facts,
    slot,
    ...judged,
    hasRun: recalled !== 'unknown' && recalled.own?.mark !== undefined,
    async onCaptured(loaded) {
      told.onCaptured(loaded);
      plans.push(...(await section('registry.schemas', () => planSchemas(session, options, { captured: loaded.captured, told }))));
    },
  });
  const changes =
    decision === undefined || recalled === 'unknown'
      ? []
      : section('postgres.source', () => judgeChanges(session, options, { facts, decision, record: recalled.source }));
  const replication = decision !== undefined && !needsSlot(decision) ? [] : [checkReplicationLogin(options, stop)];
  return [...server, ...(await Promise.all(replication)), ...held, ...(await source), ...(await changes), ...plans];
}

type DecisionFacts = {
  readonly server: ServerFacts;
  readonly slot: SlotState | undefined;
  readonly recalled: Recalled;
  readonly signal: AbortSignal;
};

/** Decides as a start would. No decision where Kafka gives no answer, or where the slot can never be ours. */
async function decide(
  options: Pick<TaskOptions, 'database' | 'slot' | 'snapshot'>,
  facts: DecisionFacts,
): Promise<Pick<SourceQuestion, 'decision' | 'continuity' | 'foreign'>> {
  const { server, slot, recalled, signal } = facts;
  const isUnsuitable = slot !== undefined && unsuitability(slot, options.database.dbname) !== undefined;
  if (recalled === 'unknown' || isUnsuitable) return { decision: undefined };
  const { foreign, continuity } = await weighPast(options, { remembered: recalled, slot, server, signal });
  if (foreign !== undefined) return { decision: undefined, foreign };
  return { decision: judgeStart(options, { remembered: recalled.own, slot, continuity, snapshotTaken: false }), continuity };
}

/** Fields that get the same name are reported by another check; then there is nothing to plan. */
async function planSchemas(
  session: PgSession,
  options: Pick<
    TaskOptions,
    'database' | 'events' | 'filter' | 'keyConverter' | 'publication' | 'snapshot' | 'transforms' | 'valueConverter'
  >,
  { captured, told }: { readonly captured: readonly TableDescription[]; readonly told: Told },
): Promise<Judgement[]> {
  const isNeeded = hasRegistry(options) || options.transforms.length > 0;
  if (!isNeeded || checkFieldNames(options, captured).length > 0) return [];
  const plans = await planCaptured(session, options, captured);
  const items = checkTransforms(options, plans);
  // What a transform refuses has no schema to ask for.
  if (items.every(({ status }) => status === 'ok')) told.onPlanned(plans);
  return items;
}

type KafkaChecks = {
  readonly stop: AbortSignal;
  readonly captured: Promise<CapturedTables | undefined>;
  readonly planned: Promise<readonly RowPlan[] | undefined>;
  readonly slotSeen: Promise<void>;
  /** Only the first call counts. */
  readonly onRemembered: (remembered: Recalled) => void;
};

async function checkKafka(
  options: Pick<
    TaskOptions,
    'database' | 'events' | 'kafka' | 'name' | 'offsetStorage' | 'producer' | 'taskId' | 'topicCreation' | 'transforms'
  >,
  deps: CheckDeps,
  { stop, captured, planned, slotSeen, onRemembered }: KafkaChecks,
): Promise<Judgement[]> {
  const kafka = deps.kafka(options);
  const bounded = (check: string, ask: () => Promise<Judgement[]>): Promise<readonly Judgement[]> =>
    section(check, () => within(ask(), stop));
  try {
    const cluster = await bounded('kafka.reachable', () => checkCluster(kafka, options));
    if (cluster.some(({ check, status }) => check === 'kafka.reachable' && status === 'fail')) {
      return [...cluster, skipped('kafka', 'Topics: Kafka has to answer first')];
    }
    await slotSeen;
    const offsets = await bounded('kafka.offset_topic', () => checkOffsets(kafka, options, { signal: stop, onRemembered }));
    onRemembered('unknown');
    const tables = await captured;
    if (tables === undefined)
      return [...cluster, ...offsets, skipped('kafka.topics', 'Topics of tables: their names come from PostgreSQL')];
    const plans = options.transforms.length === 0 ? [] : await planned;
    if (plans === undefined) return [...cluster, ...offsets, skipped('kafka.topics', 'Topics of tables: transforms change them')];
    const named = topicsOf(options, tables.captured, plans);
    const topics = await bounded('kafka.topics', () => checkTopics(kafka, options, named, stop));
    return [...cluster, ...offsets, ...topics];
  } finally {
    // Not waited for: a client that hangs must not keep the check from ending.
    void kafka.close().catch(() => {});
  }
}

/** By our own clock: no library's promise is waited for without one. */
function within<T>(promise: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(kafkaTimeout(KAFKA_TIMEOUT_MS));
    const timer = setTimeout(giveUp, KAFKA_TIMEOUT_MS);
    stop.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      stop.removeEventListener('abort', giveUp);
    });
  });
}

function timeoutError(options: Pick<TaskOptions, 'database'>): SlotlineError {
  const { hostname: host, port } = options.database;
  return new SlotlineError('pg_unreachable', { host, port, message: 'no answer in time' });
}
