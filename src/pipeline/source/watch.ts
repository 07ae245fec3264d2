/**
 * Owns watching the source during an attempt: a look every few seconds in a session of its own, what is done about each change, and the
 * server's notices. What a change means is decided in judgement.ts. A look that fails ends nothing; the next one follows.
 *
 * A change is noticed after it was made, while PostgreSQL decides by the catalog of the very moment what it sends. Rows that were left out
 * are not in the slot, whatever is confirmed. So a report says which WAL may hold them, and which snapshot brings them.
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import { wait } from '../../core/time.ts';
import { addTablesSql } from '../../postgres/catalog/publication.ts';
import {
  glanceAtSource,
  loadSourceFacts,
  type SourceFacts,
  type SourceTable,
  tablesWithRows,
} from '../../postgres/catalog/source-facts.ts';
import type { ServerNotice } from '../../postgres/session/errors.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import type { ServerFacts } from '../../postgres/session/server-facts.ts';
import type { AttemptContext } from '../life/attempt-context.ts';
import { capturedTables, type JudgementRules, judgeSource, type SourceChange, standingTroubles, uncoveredTables } from './judgement.ts';
import { judgementRules, lossError, weighChanges } from './losses.ts';
import type { SourceMemory } from './memory.ts';
import { shown, shownList, snapshotRemedy, standingRemedy } from './remedies.ts';

const PAUSE_MIN_MS = 2_000;
/** A change should be known within five seconds. */
const PAUSE_MAX_MS = 4_000;
/** After a look we wait this many times as long as it took, so that looks take only a small share of a core of the server. */
const PAUSE_FACTOR = 40;
const QUERY_TIMEOUT_MS = 10_000;
/** How old the remembered look may become. A change found at a restart is reported as made after that look. */
const REMEMBER_EVERY_MS = 60_000;
const REMEMBER_TIMEOUT_MS = 5_000;
/** ALTER PUBLICATION waits for whoever writes to the table. After this time it gives up, and the next look tries again. */
const LOCK_TIMEOUT_MS = 500;
/** How many tables are remembered whose refusal was logged, so that it is logged once. */
const NOT_ADDED_MAX = 1_000;
/** Each kind of notice is logged once per attempt, up to so many kinds. The metric counts all. */
const NOTICE_KINDS_MAX = 100;
/** The routine that reports "skipped loading publication", whatever the server's language. */
const SKIPPING_ROUTINE = 'LoadPublications';

type WatchContext = Pick<AttemptContext, 'clock' | 'filter' | 'live' | 'log' | 'options' | 'signal' | 'sql'>;

type SourceWatchHooks = {
  readonly server: ServerFacts;
  /** Ends the attempt. */
  readonly fail: (error: SlotlineError) => void;
};

type SourceStart = {
  readonly memory: Pick<SourceMemory, 'load' | 'save'>;
  readonly snapshotFollows: boolean;
  readonly isNewSlot: boolean;
};

type Adding = {
  readonly facts: SourceFacts;
  /** The position of the look before. */
  readonly fromLsn: Lsn;
  /** `schema.table` of what was captured and sent at the look before. */
  readonly sentBefore: ReadonlySet<string>;
};

type Looking = {
  /** Those of the changed tables that hold rows. */
  readonly withRows: ReadonlySet<number>;
  /** A snapshot will begin after both looks. */
  readonly snapshotFollows: boolean;
  /** `schema.table` of what was sent at the last look that is accounted for. */
  readonly sentBefore?: ReadonlySet<string>;
};

export class SourceWatch {
  readonly #context: WatchContext;
  readonly #hooks: SourceWatchHooks;
  readonly #rules: JudgementRules;
  readonly #scope = new Scope();
  readonly #ending = new AbortController();
  readonly #found: SourceFacts;
  #session: PgSession | undefined;
  #running: Promise<void> = Promise.resolve();
  #toldFailure: string | undefined;
  #snapshotFollows = false;
  #memory: SourceStart['memory'] | undefined;
  #remembered = { fingerprint: '', atMs: 0 };
  /** Kinds of notices that were logged. */
  readonly #noticed = new Set<string>();
  /** Tables that could not be added to the publication; that was logged. */
  readonly #notAdded = new Set<string>();
  /** Tables that we added to the publication since the last look; that was logged. */
  readonly #added = new Set<number>();

  private constructor(context: WatchContext, hooks: SourceWatchHooks, found: SourceFacts) {
    this.#context = context;
    this.#found = found;
    this.#hooks = hooks;
    this.#rules = judgementRules(context.options, context.filter);
  }

  /** Looks at the source as it is, before the start changes anything. */
  static async open(context: WatchContext, hooks: SourceWatchHooks): Promise<SourceWatch> {
    const found = await loadSourceFacts(context.sql, context.options.publication.name, { signal: context.signal });
    return new SourceWatch(context, hooks, found);
  }

  /**
   * Called after the start has made its changes. Compares what was found with what was known, and looks regularly from here on, until `close`.
   * Nothing is lost that a snapshot will read; a new slot is not compared with anything before it. Throws source_changed.
   */
  async begin({ memory, snapshotFollows, isNewSlot }: SourceStart): Promise<void> {
    const { sql, options, signal, live } = this.#context;
    this.#snapshotFollows = snapshotFollows;
    this.#memory = memory;
    const found = this.#found;
    const known = isNewSlot ? undefined : (live.memory.knownSource ?? (await memory.load(found, signal)));
    if (known !== undefined) this.#judge(known, found, { withRows: await this.#rowsOf(sql, known, found), snapshotFollows });
    const facts = await loadSourceFacts(sql, options.publication.name, { signal });
    // Tables that we just added are sent from now on. With a new slot nothing earlier is expected.
    const withRows = isNewSlot ? new Set<number>() : await this.#rowsOf(sql, found, facts);
    const sentBefore = new Set(known === undefined ? [] : capturedTables(known, this.#rules));
    this.#judge({ ...found, fromLsn: known?.fromLsn ?? found.fromLsn }, facts, { withRows, snapshotFollows, sentBefore });
    this.#keep(facts);
    const ending = this.#scope.any(this.#ending.signal, signal);
    this.#running = this.#run(ending).catch((error: unknown) => this.#hooks.fail(toSlotlineError(error)));
  }

  /** The snapshot has read its rows: what is lost from now on is not in it. */
  async endSnapshot(): Promise<void> {
    if (!this.#snapshotFollows) return;
    this.#snapshotFollows = false;
    using scope = new Scope();
    await this.#remember(scope.any(this.#ending.signal, this.#context.signal));
  }

  /** Takes a notice of the server in the stream. Throws source_changed when it says that the publication was skipped. */
  note(notice: ServerNotice): void {
    const { live, log, options } = this.#context;
    const { severity, sqlState, message, routine, lsn } = notice;
    live.tell({ tag: 'sourceNotice' });
    const kind = `${sqlState} ${routine}`;
    if (this.#noticed.has(kind)) return;
    if (this.#noticed.size < NOTICE_KINDS_MAX) this.#noticed.add(kind);
    log.warn('server.notice', { severity, sqlState, message, lsn: formatLsn(lsn) });
    const known = live.memory.knownSource;
    if (routine !== SKIPPING_ROUTINE || known === undefined) return;
    const what = 'The publication did not exist when changes were made that are read now: the server leaves them out';
    const change: SourceChange = {
      kind: 'publication_skipped',
      severity: 'loss',
      tables: capturedTables(known, this.#rules),
      oids: [],
      what,
    };
    live.tell({ tag: 'sourceChanged', severity: 'loss' });
    if (this.#snapshotFollows) return;
    // If the changes are newer than the last look, it is not known where the gap ends.
    const wasBack = known.publication !== undefined && known.toLsn > lsn;
    const error = this.#lossOf(change, { fromLsn: lsn, toLsn: wasBack ? known.toLsn : undefined });
    if (options.sourceChangedAction === 'fail') throw error;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    this.#scope[Symbol.dispose]();
    await this.#session?.close();
    this.#session = undefined;
  }

  async #run(ending: AbortSignal): Promise<void> {
    let tookMs = 0;
    while (!ending.aborted) {
      await this.#remember(ending);
      await wait(Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, PAUSE_FACTOR * tookMs)), ending);
      if (ending.aborted) return;
      const startedMs = this.#context.clock.monotonicMs();
      await this.#lookOnce(ending);
      tookMs = this.#context.clock.monotonicMs() - startedMs;
    }
  }

  /** Stores the last look for the next start. If a snapshot follows that reads what was lost, only once that is complete. */
  async #remember(ending: AbortSignal): Promise<void> {
    const { live, clock, filter, log } = this.#context;
    const known = live.memory.knownSource;
    const isNew = known?.fingerprint !== this.#remembered.fingerprint;
    const isDue = isNew || clock.monotonicMs() - this.#remembered.atMs > REMEMBER_EVERY_MS;
    if (this.#snapshotFollows || known === undefined || !isDue) return;
    try {
      using scope = new Scope();
      await this.#memory?.save(known, filter, scope.any(ending, scope.timeout(REMEMBER_TIMEOUT_MS)));
      this.#remembered = { fingerprint: known.fingerprint, atMs: clock.monotonicMs() };
    } catch (error) {
      if (!ending.aborted) log.debug('source.not_remembered', { message: toSlotlineError(error).message });
    }
  }

  /** Throws what must end the attempt. A look that fails is logged once and tried again. */
  async #lookOnce(ending: AbortSignal): Promise<void> {
    const { live, log, options } = this.#context;
    try {
      const limits = { until: ending, queryTimeoutMs: QUERY_TIMEOUT_MS };
      this.#session ??= await openSession(options.database, { applicationName: 'Slotline Watch', signal: ending, ...limits });
      await this.#look(this.#session, ending);
      this.#toldFailure = undefined;
    } catch (error) {
      if (ending.aborted) return;
      const known = toSlotlineError(error);
      if (known.code === 'source_changed') throw known;
      live.tell({ tag: 'sourceLookFailed' });
      if (this.#toldFailure !== known.code) log.warn('source.look_failed', { code: known.code, message: known.message });
      this.#toldFailure = known.code;
      await this.#session?.close();
      this.#session = undefined;
    }
  }

  async #look(session: PgSession, signal: AbortSignal): Promise<void> {
    const { live, options } = this.#context;
    const query = { timeoutMs: QUERY_TIMEOUT_MS, signal };
    const known = live.memory.knownSource;
    const glance = await glanceAtSource(session, options.publication.name, query);
    if (known !== undefined && glance.fingerprint === known.fingerprint) {
      live.memory.knownSource = { ...known, fromLsn: glance.fromLsn, toLsn: glance.toLsn };
      return;
    }
    const facts = await loadSourceFacts(session, options.publication.name, query);
    if (known !== undefined) this.#judge(known, facts, { withRows: await this.#rowsOf(session, known, facts), snapshotFollows: false });
    this.#keep(facts);
    this.#added.clear();
    const sentBefore = new Set(known === undefined ? [] : capturedTables(known, this.#rules));
    await this.#addTables(session, { facts, fromLsn: known?.fromLsn ?? facts.fromLsn, sentBefore }, signal);
  }

  #keep(facts: SourceFacts): void {
    const { live, options } = this.#context;
    live.memory.knownSource = facts;
    const troubles = standingTroubles(facts, this.#rules).map(({ kind, tables, what }) => ({
      kind,
      message: tables.length === 0 ? what : `${what}: ${shown(tables)}`,
      remedy: standingRemedy(kind, options),
    }));
    live.tell({ tag: 'sourceStands', troubles });
  }

  /** The changed tables that hold rows, of those for which it matters. */
  async #rowsOf(session: PgSession, before: SourceFacts, after: SourceFacts): Promise<ReadonlySet<number>> {
    const oids = judgeSource(before, after, this.#rules).flatMap((change) => change.oids.filter((oid) => !this.#added.has(oid)));
    if (oids.length === 0) return new Set();
    return await tablesWithRows(session, oids, { timeoutMs: QUERY_TIMEOUT_MS, signal: this.#context.signal });
  }

  /** Reports every change. Throws the first loss if slotline.source.changed.action says so. */
  #judge(before: SourceFacts, after: SourceFacts, { withRows, snapshotFollows, sentBefore = new Set() }: Looking): void {
    const { live, options, log } = this.#context;
    const fromLsn = before.fromLsn;
    const { toLsn } = after;
    let first: SlotlineError | undefined;
    const { includeCollections } = options.snapshot;
    const told = (change: SourceChange): boolean => change.oids.length > 0 && change.oids.every((oid) => this.#added.has(oid));
    const found = judgeSource(before, after, this.#rules);
    for (const change of weighChanges(found, { withRows, snapshotFollows, includeCollections, sentBefore })) {
      if (told(change)) continue;
      live.tell({ tag: 'sourceChanged', severity: change.severity });
      if (change.severity === 'loss') {
        const error = this.#lossOf(change, { fromLsn, toLsn });
        first ??= error;
        continue;
      }
      const fields = {
        change: change.kind,
        tables: shownList(change.tables),
        fromLsn: formatLsn(fromLsn),
        toLsn: formatLsn(toLsn),
        message: change.what,
      };
      if (change.severity === 'warning') log.warn('source.changed', { ...fields, remedy: snapshotRemedy(change.tables, options) });
      else log.info('source.changed', fields);
    }
    if (first !== undefined && options.sourceChangedAction === 'fail') throw first;
  }

  #lossOf(change: SourceChange, lsns: { readonly fromLsn: Lsn; readonly toLsn: Lsn | undefined }): SlotlineError {
    const { live, options, log } = this.#context;
    const error = lossError(change, { ...lsns, options, serverMajor: this.#hooks.server.major });
    const { code, message, remedy, details } = error;
    live.tell({ tag: 'sourceLoss', trouble: { kind: change.kind, message, remedy } });
    // Only a warning: with `fail` the error that ends the attempt says the same.
    log.warn('source.changed', { ...details, code, message, remedy });
    return error;
  }

  /** With publication.autocreate.mode=filtered, new captured tables are added to the publication while we run. */
  async #addTables(session: PgSession, adding: Adding, signal: AbortSignal): Promise<void> {
    const { options, log, filter } = this.#context;
    const { facts } = adding;
    if (options.publication.autocreateMode !== 'filtered' || this.#hooks.server.inRecovery) return;
    if (facts.publication === undefined || facts.publication.allTables) return;
    for (const table of uncoveredTables(facts, filter)) {
      const name = `${table.schema}.${table.table}`;
      try {
        await this.#addTable(session, table, adding, signal);
        this.#notAdded.delete(name);
      } catch (error) {
        signal.throwIfAborted();
        const known = toSlotlineError(error);
        if (known.code === 'source_changed') throw known;
        const { code, message } = known;
        if (!this.#notAdded.has(name)) log.warn('source.table_not_added', { table: name, code, message });
        if (this.#notAdded.size < NOT_ADDED_MAX) this.#notAdded.add(name);
      }
    }
  }

  /** Throws source_changed when the table took the name of one that was sent, and holds rows. */
  async #addTable(session: PgSession, table: SourceTable, { fromLsn, sentBefore }: Adding, signal: AbortSignal): Promise<void> {
    const { options, log, live } = this.#context;
    const name = `${table.schema}.${table.table}`;
    const sql = addTablesSql(options.publication.name, [table]);
    await session
      .simple(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}; ${sql}; commit`, {
        timeoutMs: QUERY_TIMEOUT_MS,
        signal,
        subject: 'publication',
      })
      .catch(async (error: unknown) => {
        await session.simple('rollback', { signal });
        throw error;
      });
    this.#added.add(table.oid);
    const rows = await session.query<{ lsn: string }>('select pg_catalog.pg_current_wal_insert_lsn()::text as lsn', [], { signal });
    const held = await tablesWithRows(session, [table.oid], { timeoutMs: QUERY_TIMEOUT_MS, signal });
    const toLsn = parseLsn(rows[0]?.lsn ?? '0/0');
    if (held.size > 0 && sentBefore.has(name)) {
      live.tell({ tag: 'sourceChanged', severity: 'loss' });
      const what = 'Another table took the name: what it held until it was added to the publication was not sent';
      const change: SourceChange = { kind: 'table_replaced', severity: 'loss', tables: [name], oids: [table.oid], what };
      const error = this.#lossOf(change, { fromLsn, toLsn });
      if (options.sourceChangedAction === 'fail') throw error;
      return;
    }
    const fields = {
      table: name,
      publication: options.publication.name,
      fromLsn: formatLsn(fromLsn),
      toLsn: formatLsn(toLsn),
    };
    if (held.size === 0) {
      log.info('source.table_added', fields);
      return;
    }
    const remedy = snapshotRemedy([name], options);
    const message = `The table ${name} was added to the publication; the rows that it held by then were not sent`;
    live.tell({ tag: 'sourceLoss', trouble: { kind: `table_added ${name}`, message, remedy } });
    log.warn('source.table_added', { ...fields, message, remedy });
  }
}
