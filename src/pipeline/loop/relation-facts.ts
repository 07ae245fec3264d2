/**
 * Owns what is known of a relation when its plan is made: the catalog's description as of a moment, and what the stream itself says where
 * the catalog no longer has the table or a type. For a relation of the stream the moment is the end of its transaction. We wait until
 * sessions see that transaction, and read nothing more meanwhile. SQL: postgres/catalog/catalog-moment.ts; keys: events/row-plan.ts.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Clock, wait } from '../../core/time.ts';
import type { TableFacts } from '../../events/row-plan.ts';
import type { RelationMessage, TypeMessage } from '../../pgoutput/messages.ts';
import { type DroppedRelations, findDropped, loadTable, type TableDescription, tableFacts } from '../../postgres/catalog/catalog.ts';
import { loadTableAt, type MomentAnswer } from '../../postgres/catalog/catalog-moment.ts';
import type { Relabelled, TypeRegistry } from '../../postgres/catalog/type-registry.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { PgType } from '../../values/pg-type.ts';

export type Relation = Omit<RelationMessage, 'tag'>;

export type Moment =
  /** `xid`: the transaction's id as BEGIN has it; null: none. `types`: the types that the stream has described, by OID. */
  | { readonly phase: 'stream'; readonly xid: number | null; readonly types: ReadonlyMap<number, TypeMessage> }
  /** The snapshot's reader has described the table already, with its types. */
  | { readonly phase: 'snapshot'; readonly facts: TableFacts };

/** No transaction is waited for: the catalog as it is. */
export const NOW: Moment = { phase: 'stream', xid: null, types: new Map() };

export type RelationDescription = { readonly facts: TableFacts; readonly typeOf: (oid: number) => PgType };

export type StaleLabels = {
  /** `schema.table`. */
  readonly table: string;
  readonly column: string;
  readonly type: Relabelled;
};

export type RelationFactsDeps = {
  readonly sql: PgSession;
  readonly types: TypeRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** The attempt's signal. */
  readonly signal: AbortSignal;
  /** Says, for health, what is waited for; undefined: nothing any more. */
  readonly onTrouble: (trouble: SlotlineError | undefined) => void;
  /** Called with the catalog's description of each relation of the stream. */
  readonly onDescribed?: (table: TableDescription) => void;
  /** Called for a column whose enum has other labels in the catalog than in its schema. undefined: the schema takes the new labels. */
  readonly onStaleLabels: ((column: StaleLabels) => void) | undefined;
  /** How long to wait for a transaction that sessions do not see. */
  readonly waitMsMax: number;
};

/**
 * When a transaction stays invisible for longer than this, because its commit waits for a standby, the attempt ends and the next one asks
 * again. Planning from the older catalog would give wrong keys and schemas. The limit is long, because each attempt sends the first rows
 * of the transaction again.
 */
export const CATALOG_WAIT_MS = 300_000;
/** Usually a session sees the transaction within a millisecond. */
const FIRST_PAUSE_MS = 1;
const PAUSE_MS_MAX = 250;
/** A longer wait is reported in the log and in health. */
const TELL_AFTER_MS = 2_000;

export class RelationFacts {
  readonly #deps: RelationFactsDeps;

  constructor(deps: RelationFactsDeps) {
    this.#deps = deps;
  }

  /** Describes the relation as of the moment. Throws pg_catalog_behind. */
  async describe(relation: Relation, moment: Moment, previousKey: readonly string[] | undefined): Promise<RelationDescription> {
    const { types } = this.#deps;
    if (moment.phase === 'snapshot') return { facts: moment.facts, typeOf: (oid) => types.typeIn(relation.schema, oid) };
    const table = moment.xid === null ? await this.#now(relation.oid) : await this.#once(relation, moment.xid);
    return { facts: this.#factsOf(relation, table, previousKey), typeOf: await this.#typesOf(relation, moment.types) };
  }

  /** The relations among `oids` that were dropped, as sessions see it now. */
  async findDropped(oids: readonly number[]): Promise<DroppedRelations> {
    const { sql, signal } = this.#deps;
    return await findDropped(sql, oids, { signal });
  }

  async #now(oid: number): Promise<TableDescription | undefined> {
    const { sql, signal } = this.#deps;
    return await loadTable(sql, oid, { signal });
  }

  /**
   * Asks once where sessions see the transaction. Else it asks again until they do, or until it is certain that the transaction did not
   * change the table. A transaction releases its locks a moment after it becomes visible; so a missing lock proves something only if the
   * transaction is still invisible afterwards, which takes a second query.
   */
  async #once(relation: Relation, xid: number): Promise<TableDescription | undefined> {
    const { sql, signal, onTrouble } = this.#deps;
    const at = { oid: relation.oid, xid };
    let { state, table } = await loadTableAt(sql, at, { signal });
    if (state === 'visible') return table;
    const waiting = this.#waitingFor(relation, xid);
    try {
      for (let pauseMs = FIRST_PAUSE_MS; state !== 'visible'; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
        const wasUntouched = state === 'untouched';
        if (!wasUntouched) await wait(pauseMs, signal);
        signal.throwIfAborted();
        waiting(state);
        ({ state, table } = await loadTableAt(sql, at, { signal }));
        if (wasUntouched && state !== 'visible') break;
      }
      return table;
    } finally {
      onTrouble(undefined);
    }
  }

  /** Returns a function to call before each further query: it reports a long wait, and throws when the wait is too long. */
  #waitingFor(relation: Relation, xid: number): (state: MomentAnswer['state']) => void {
    const { clock, log, onTrouble, waitMsMax } = this.#deps;
    const startedMs = clock.monotonicMs();
    const where = { table: `${relation.schema}.${relation.table}`, xid };
    let isTold = false;
    log.debug('catalog.awaited', where);
    return (state) => {
      const waitedMs = Math.round(clock.monotonicMs() - startedMs);
      if (waitedMs < Math.min(TELL_AFTER_MS, waitMsMax)) return;
      const error = new SlotlineError('pg_catalog_behind', { ...where, waitedMs, reason: state === 'locked' ? 'locked' : 'not visible' });
      if (waitedMs >= waitMsMax) throw error;
      if (isTold) return;
      isTold = true;
      log.warn('catalog.behind', { code: error.code, message: error.message, remedy: error.remedy });
      onTrouble(error);
    };
  }

  #factsOf(relation: Relation, table: TableDescription | undefined, previousKey: readonly string[] | undefined): TableFacts {
    const { log } = this.#deps;
    const where = { table: `${relation.schema}.${relation.table}` };
    const facts = tableFacts(table === undefined ? undefined : beforeRenaming(relation, table));
    if (table === undefined) {
      const key = goneKey(relation, previousKey);
      log.warn('relation.gone', { ...where, key, message: GONE_MESSAGE });
      return { ...facts, primaryKey: key, columns: new Map(key.map((name) => [name, { notNull: true }])) };
    }
    this.#deps.onDescribed?.(table);
    const names = new Set(relation.columns.map(({ name }) => name));
    const streamed = identityKey(relation);
    if (relation.replicaIdentity !== 'default') {
      const isFromBefore = relation.columns.some(({ name }) => !table.columns.some((column) => column.name === name));
      if (!isFromBefore || facts.primaryKey.every((name) => names.has(name))) return facts;
      // With this replica identity the stream does not mark the key columns.
      const key = previousKey?.every((name) => names.has(name)) === true ? previousKey : [];
      log.warn('relation.key_differs', { ...where, stream: [], catalog: facts.primaryKey, key });
      return { ...facts, primaryKey: key };
    }
    if (streamed.length === 0 || sameNames(streamed, facts.primaryKey)) return facts;
    const isLater = facts.primaryKey.length === 0 || facts.primaryKey.some((name) => !names.has(name));
    const key = isLater ? streamed : facts.primaryKey;
    log.warn('relation.key_differs', { ...where, stream: streamed, catalog: facts.primaryKey, key });
    return { ...facts, primaryKey: key };
  }

  /** The relation's types. A type that was dropped is replaced by what the stream says of it: a domain's base type, else text. */
  async #typesOf(relation: Relation, described: ReadonlyMap<number, TypeMessage>): Promise<RelationDescription['typeOf']> {
    const { types, log, signal } = this.#deps;
    await types.resolve(
      relation.columns.map((column) => column.typeOid),
      { signal },
    );
    await this.#compareLabels(relation);
    const typeOf = (oid: number): PgType => types.typeIn(relation.schema, oid);
    const gone = relation.columns.filter(({ typeOid }) => !types.has(typeOid));
    if (gone.length === 0) return typeOf;
    const told = gone.map(({ typeOid }) => described.get(typeOid)).filter((type) => type?.schema === 'pg_catalog');
    const builtIn = await types.resolveBuiltIn(
      told.map((type) => type?.name ?? ''),
      { signal },
    );
    const known = new Map(gone.map(({ typeOid }) => [typeOid, goneType(typeOid, described.get(typeOid), builtIn)]));
    for (const { name, typeOid } of gone) {
      const type = known.get(typeOid);
      const as = type?.base?.name ?? 'text';
      log.warn('relation.type_gone', {
        table: `${relation.schema}.${relation.table}`,
        column: name,
        type: typeText(described.get(typeOid)),
        as,
      });
    }
    return (oid) => known.get(oid) ?? typeOf(oid);
  }

  /** Compares the labels of enums: ALTER TYPE changes them, and the stream does not say so. */
  async #compareLabels(relation: Relation): Promise<void> {
    const { types, signal, onStaleLabels } = this.#deps;
    const oids = relation.columns.map(({ typeOid }) => typeOid);
    const found = await types.findRelabelled(oids, { signal });
    if (onStaleLabels === undefined) return types.relabel(found);
    for (const { name, typeOid } of relation.columns) {
      const type = found.find(({ oid }) => oid === types.enumUnder(typeOid));
      if (type !== undefined) onStaleLabels({ table: `${relation.schema}.${relation.table}`, column: name, type });
    }
  }
}

const GONE_MESSAGE = 'The table does not exist any more: its last changes are described by the stream alone, without defaults and NOT NULL';

/**
 * The description with the old names of key columns that were renamed since. Columns are matched by their places; so where a column was
 * added or dropped too, nothing is concluded and the description stays as it is.
 */
function beforeRenaming(relation: Relation, table: TableDescription): TableDescription {
  const then = new Set(relation.columns.map(({ name }) => name));
  const keys = [table.primaryKey, table.replicaIdentityIndexColumns, ...table.uniqueIndexes.map(({ columns }) => columns)];
  if (keys.flat().every((name) => then.has(name))) return table;
  const now = new Set(table.columns.map(({ name }) => name));
  const sent = [table.columns, table.columns.filter(({ generated }) => !generated)].find(
    ({ length }) => length === relation.columns.length,
  );
  const old = new Map<string, string>();
  for (const [place, { name, typeOid }] of (sent ?? []).entries()) {
    const was = relation.columns[place];
    if (was === undefined || was.name === name) continue;
    if (then.has(name) || now.has(was.name) || was.typeOid !== typeOid) return table;
    old.set(name, was.name);
  }
  const named = (names: readonly string[]): readonly string[] => names.map((name) => old.get(name) ?? name);
  return {
    ...table,
    columns: table.columns.map((column) => ({ ...column, name: old.get(column.name) ?? column.name })),
    primaryKey: named(table.primaryKey),
    replicaIdentityIndexColumns: named(table.replicaIdentityIndexColumns),
    uniqueIndexes: table.uniqueIndexes.map((index) => ({ ...index, columns: named(index.columns), keyColumns: named(index.keyColumns) })),
  };
}

/** The columns of the replica identity, in table order. */
function identityKey(relation: Relation): readonly string[] {
  return relation.columns.filter((column) => column.inKey).map((column) => column.name);
}

/** The key of a table that is gone: the one its events had, else its replica identity. FULL marks all columns, which is no key. */
function goneKey(relation: Relation, previousKey: readonly string[] | undefined): readonly string[] {
  const names = new Set(relation.columns.map(({ name }) => name));
  if (relation.replicaIdentity === 'default') return identityKey(relation);
  if (previousKey?.every((name) => names.has(name)) === true) return previousKey;
  return relation.replicaIdentity === 'index' ? identityKey(relation) : [];
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

/** For a type that is gone: of a domain the stream gives the base type's name, of others their own. */
function goneType(oid: number, told: TypeMessage | undefined, builtIn: ReadonlyMap<string, PgType>): PgType {
  const base = told?.schema === 'pg_catalog' ? builtIn.get(told.name) : undefined;
  const { schema, name } = told ?? { schema: 'pg_catalog', name: 'unknown' };
  if (base === undefined) return { oid, name, schema, kind: 'base', isGone: true };
  return { oid, name, schema: 'pg_catalog', kind: 'domain', base, baseTypmod: -1 };
}

function typeText(told: TypeMessage | undefined): string {
  return told === undefined ? 'unknown' : `${told.schema}.${told.name}`;
}
