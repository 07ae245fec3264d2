/**
 * Owns what a change of the source means for this connector at this moment: whether rows are missing, given which tables hold rows and
 * whether a snapshot follows; and the error that says so. Pure. A start, the watch and `check` all use it.
 */
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import { compileAny } from '../../events/filter.ts';
import type { JudgementRules, SourceChange } from './judgement.ts';
import { newSlotRemedy, shownList, snapshotRemedy } from './remedies.ts';

/** Before this version the server's stream fails where the publication did not exist yet. */
const SKIPS_MISSING_PUBLICATION_SINCE = 18;

/** True: the server leaves out what was changed while the publication did not exist. False: its stream fails there. */
export function skipsMissingPublication(serverMajor: number): boolean {
  return serverMajor >= SKIPS_MISSING_PUBLICATION_SINCE;
}

export function judgementRules(options: Pick<TaskOptions, 'events' | 'snapshot'>, filter: JudgementRules['filter']): JudgementRules {
  const readsTables = options.snapshot.mode === 'always' || options.snapshot.mode === 'when_needed';
  return { filter, skipped: options.events.skippedOperations, readsTables };
}

type ChangeCircumstances = {
  /** Those of the changes' tables that hold rows. */
  readonly withRows: ReadonlySet<number>;
  /** A snapshot will come that has not begun to read. */
  readonly snapshotFollows: boolean;
  readonly includeCollections: readonly string[];
  /** `schema.table` of what was sent before. If another table joins under such a name, its earlier rows are missing in the topic. */
  readonly sentBefore: ReadonlySet<string>;
};

/** Lowers changes to info where no row can be missing: for tables without rows, and for tables that a snapshot will read. */
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
  // Names and OIDs are pairs, unless partitions are sent as their root.
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

/** `toLsn` undefined: rows are still being lost. */
type Losing = {
  readonly fromLsn: Lsn;
  readonly toLsn: Lsn | undefined;
  readonly options: Pick<TaskOptions, 'publication' | 'slot'>;
  readonly serverMajor: number;
};

/** source_changed, with the range of WAL in which rows may be missing, and what brings them. */
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
