/**
 * Owns watching the source while an attempt runs: a look every few seconds by a session of its own, what is done about each change, and the
 * notices of the server. What a change means is judgement.ts's. Its own troubles end nothing: it looks again.
 *
 * A change is noticed behind the moment when it was made, and PostgreSQL decides by the catalog of that moment what it sends: rows that were
 * left out then are not in the slot, whatever is confirmed. So what is said is which WAL may hold them, and which snapshot brings them.
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
/** A change is to be known within five seconds. */
const PAUSE_MAX_MS = 4_000;
/** A look may cost the server this share of a core at most. */
const PAUSE_FACTOR = 40;
const QUERY_TIMEOUT_MS = 10_000;
/** How old the position may be from which a change behind a restart is said to reach. */
const REMEMBER_EVERY_MS = 60_000;
const REMEMBER_TIMEOUT_MS = 5_000;
/** ALTER PUBLICATION waits for whoever changes the table; the next look tries again. */
const LOCK_TIMEOUT_MS = 500;
/** Of which a refusal is told once only. */
const NOT_ADDED_MAX = 1_000;
/** Each kind is told once an attempt; the metric counts all. */
const NOTICE_KINDS_MAX = 100;
/** "skipped loading publication", whatever the language of the server. */
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
  /** Of the look before. */
  readonly fromLsn: Lsn;
  /** `schema.table` of what was captured and sent at the look before. */
  readonly sentBefore: ReadonlySet<string>;
};

type Looking = {
  /** Of the tables that took a name over. */
  readonly withRows: ReadonlySet<number>;
  /** It begins behind both looks. */
  readonly snapshotFollows: boolean;
  /** `schema.table` of what was sent when all was last accounted for. */
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
  /** Kinds of notices that were told. */
  readonly #noticed = new Set<string>();
  /** Tables that could not be added to the publication: told once. */
  readonly #notAdded = new Set<string>();
  /** Tables that were added to the publication since the last look: what that did was told. */
  readonly #added = new Set<number>();

  private constructor(context: WatchContext, hooks: SourceWatchHooks, found: SourceFacts) {
    this.#context = context;
    this.#found = found;
    this.#hooks = hooks;
    this.#rules = judgementRules(context.options, context.filter);
  }

  /** Looks at the source as it is found, before anything of ours changes it. */
  static async open(context: WatchContext, hooks: SourceWatchHooks): Promise<SourceWatch> {
    const found = await loadSourceFacts(context.sql, context.options.publication.name, { signal: context.signal });
    return new SourceWatch(context, hooks, found);
  }

  /**
   * Our own changes are made, and what was found is compared with what was known. From here on it looks until `close`. What a snapshot that
   * follows sends is not lost, and a slot that is new has nothing behind it. Throws source_changed.
   */
  async begin({ memory, snapshotFollows, isNewSlot }: SourceStart): Promise<void> {
    const { sql, options, signal, live } = this.#context;
    this.#snapshotFollows = snapshotFollows;
    this.#memory = memory;
    const found = this.#found;
    const known = isNewSlot ? undefined : (live.memory.knownSource ?? (await memory.load(found, signal)));
    if (known !== undefined) this.#judge(known, found, { withRows: await this.#rowsOf(sql, known, found), snapshotFollows });
    const facts = await loadSourceFacts(sql, options.publication.name, { signal });
    // What we have just added to the publication is sent from now on; behind a new slot nothing of before is wanted.
    const withRows = isNewSlot ? new Set<number>() : await this.#rowsOf(sql, found, facts);
    const sentBefore = new Set(known === undefined ? [] : capturedTables(known, this.#rules));
    this.#judge({ ...found, fromLsn: known?.fromLsn ?? found.fromLsn }, facts, { withRows, snapshotFollows, sentBefore });
    this.#keep(facts);
    const ending = this.#scope.any(this.#ending.signal, signal);
    this.#running = this.#run(ending).catch((error: unknown) => this.#hooks.fail(toSlotlineError(error)));
  }

  /** What is lost from now on is not in the snapshot. */
  async endSnapshot(): Promise<void> {
    if (!this.#snapshotFollows) return;
    this.#snapshotFollows = false;
    using scope = new Scope();
    await this.#remember(scope.any(this.#ending.signal, this.#context.signal));
  }

  /** What the server says in the stream. Throws source_changed where it skipped the publication. */
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
    // Of changes that are made just now nobody can say where it ends.
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

  /** What is accounted for, for the next start; behind a snapshot that brings what was lost, only once that is complete. */
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

  /** What ends the attempt is thrown; that a look was not to be had is told once and tried again. */
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

  /** Of tables that took a name over: those that hold rows. */
  async #rowsOf(session: PgSession, before: SourceFacts, after: SourceFacts): Promise<ReadonlySet<number>> {
    const oids = judgeSource(before, after, this.#rules).flatMap((change) => change.oids.filter((oid) => !this.#added.has(oid)));
    if (oids.length === 0) return new Set();
    return await tablesWithRows(session, oids, { timeoutMs: QUERY_TIMEOUT_MS, signal: this.#context.signal });
  }

  /** Tells every change; throws the first loss where the option says so. */
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
    // With `fail` the end says the same, as an error.
    log.warn('source.changed', { ...details, code, message, remedy });
    return error;
  }

  /** publication.autocreate.mode=filtered follows the captured tables while it runs too. */
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

  /** Throws source_changed where it took the name of a table that was sent, and holds rows. */
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
