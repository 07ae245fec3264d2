/**
 * Owns what a change of the source means for this connector and this moment: whether rows are missing once it is known which tables hold
 * rows and whether a snapshot follows, and the error that says so. Pure; a start, the watch and `check` ask the same.
 */
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import { compileAny } from '../../events/filter.ts';
import type { JudgementRules, SourceChange } from './judgement.ts';
import { newSlotRemedy, shownList, snapshotRemedy } from './remedies.ts';

/** A publication that is missing where the stream stands makes every older server stop. */
const SKIPS_MISSING_PUBLICATION_SINCE = 18;

/** Whether the server leaves out what was changed while the publication was missing; else the stream ends there. */
export function skipsMissingPublication(serverMajor: number): boolean {
  return serverMajor >= SKIPS_MISSING_PUBLICATION_SINCE;
}

export function judgementRules(options: Pick<TaskOptions, 'events' | 'snapshot'>, filter: JudgementRules['filter']): JudgementRules {
  const readsTables = options.snapshot.mode === 'always' || options.snapshot.mode === 'when_needed';
  return { filter, skipped: options.events.skippedOperations, readsTables };
}

type ChangeCircumstances = {
  /** Of the tables that took a name over. */
  readonly withRows: ReadonlySet<number>;
  /** One that has not begun to read. */
  readonly snapshotFollows: boolean;
  readonly includeCollections: readonly string[];
  /** `schema.table` of what was sent before: rows of another table that joins under such a name are missing in its topic. */
  readonly sentBefore: ReadonlySet<string>;
};

/** Nothing is missing of tables without rows, nor of what a snapshot brings. */
export function weighChanges(changes: readonly SourceChange[], of: ChangeCircumstances): SourceChange[] {
  const { withRows, snapshotFollows, includeCollections, sentBefore } = of;
  const isInSnapshot = (tables: readonly string[]): boolean =>
    includeCollections.length === 0 || (tables.length > 0 && tables.every(compileAny(includeCollections)));
  return changes
    .flatMap((change) => splitReplaced(change, sentBefore))
    .map((change) => {
      const isHarmless = change.oids.length > 0 && !change.oids.some((oid) => withRows.has(oid));
      const isMended = snapshotFollows && isInSnapshot(change.tables);
      return isHarmless || isMended ? { ...change, severity: 'info' } : change;
    });
}

function splitReplaced(change: SourceChange, sentBefore: ReadonlySet<string>): SourceChange[] {
  const { kind, tables, oids } = change;
  // Each table has one OID there, unless partitions are sent as their root.
  if (kind !== 'table_joined' || tables.length !== oids.length) return [change];
  const part = (isReplaced: boolean): Pick<SourceChange, 'tables' | 'oids'> => ({
    tables: tables.filter((table) => sentBefore.has(table) === isReplaced),
    oids: oids.filter((_, index) => sentBefore.has(tables[index] ?? '') === isReplaced),
  });
  const joined = { ...change, ...part(false) };
  const replaced: SourceChange = { kind: 'table_replaced', severity: 'loss', what: REPLACED, ...part(true) };
  return [replaced, joined].filter((each) => each.tables.length > 0);
}

const REPLACED = 'Another table took the name: what it held until it was added to the publication was not sent';

/** `toLsn` undefined: it is not over. */
type Losing = {
  readonly fromLsn: Lsn;
  readonly toLsn: Lsn | undefined;
  readonly options: Pick<TaskOptions, 'publication' | 'slot'>;
  readonly serverMajor: number;
};

/** source_changed, with the WAL in which rows may be missing and what brings them. */
export function lossError(change: SourceChange, { fromLsn, toLsn, options, serverMajor }: Losing): SlotlineError {
  const details = {
    change: change.kind,
    publication: options.publication.name,
    tables: shownList(change.tables),
    fromLsn: formatLsn(fromLsn),
    toLsn: toLsn === undefined ? undefined : formatLsn(toLsn),
    reason: change.what,
  };
  const { kind, tables } = change;
  const isAboutPublication = kind === 'publication_dropped' || kind === 'publication_replaced' || kind === 'publication_skipped';
  const needsNewSlot = isAboutPublication && !skipsMissingPublication(serverMajor);
  const remedy = needsNewSlot ? newSlotRemedy(options) : snapshotRemedy(tables, options);
  return new SlotlineError('source_changed', details, { remedy });
}
