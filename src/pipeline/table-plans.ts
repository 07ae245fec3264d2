/**
 * Owns the cache from relation OID to compiled table plan, and when a plan leaves it. Asks the catalog when a relation version is new;
 * never per row. What its first record opens is table-output.ts's.
 *
 * The server says nothing of a table that was dropped. The catalog is asked, when another table takes its topic and whenever many new ones
 * have come; a plan then goes once the stream has passed what was written when the answer was given, for no row can be behind that.
 */
import { SlotlineError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import type { TableFilter } from '../events/filter.ts';
import { type PlanSettings, planRows, type RowPlan, type TableFacts } from '../events/row-plan.ts';
import type { RelationMessage } from '../pgoutput/messages.ts';
import { ComparerScratch, ValueComparer } from '../serde/value-comparer.ts';
import type { PgType, Phase } from '../values/pg-type.ts';
import { TableOutput, type TableOutputDeps } from './table-output.ts';

export type TablePlan = {
  readonly plan: RowPlan;
  readonly output: TableOutput;
  /** Tells whether two tuples have one key. */
  readonly keys: ValueComparer;
  /** Tells updates that change nothing; undefined: all are sent. */
  readonly comparer: ValueComparer | undefined;
  /** `schema.table`, as transaction metadata names it. */
  readonly collection: string;
  /** Names and types of its columns, to compare; empty for a table that only a snapshot has read. */
  readonly relationColumns: string;
};

/** What plans are made from: the catalog of PostgreSQL, behind an interface that a test can stand in for. */
export interface Catalog {
  loadFacts(relation: { readonly oid: number; readonly schema: string; readonly table: string }): Promise<TableFacts>;
  resolveTypes(oids: readonly number[]): Promise<void>;
  /** For a column of a table in that schema. */
  typeOf(tableSchema: string, oid: number): PgType;
  /** Which of these relations are not there any more, and the end of the WAL when that was so. */
  findDropped(oids: readonly number[]): Promise<DroppedRelations>;
}

export type DroppedRelations = { readonly oids: readonly number[]; readonly endLsn: Lsn };

export type TablePlansDeps = TableOutputDeps & {
  readonly catalog: Catalog;
  readonly filter: TableFilter;
  readonly settings: PlanSettings;
  /** skip.messages.without.change. */
  readonly skipUnchanged: boolean;
};

/** null: the relation is known and not captured. */
export type KnownRelation = TablePlan | null;

/** With so many relations it is asked for the first time which of them are gone. */
const SWEEP_MIN = 500;
const NEVER = Number.POSITIVE_INFINITY;

export class TablePlans {
  readonly #deps: TablePlansDeps;
  readonly #byOid = new Map<number, KnownRelation>();
  readonly #ownerByTopic = new Map<string, { readonly oid: number; readonly table: string }>();
  readonly #scratch = new ComparerScratch();
  /** Relations that were dropped, and behind which position nothing comes of them any more. */
  readonly #leaving = new Map<number, Lsn>();
  /** The least position in #leaving. */
  #leavingLsn: number = NEVER;
  #sweepSize = SWEEP_MIN;

  constructor(deps: TablePlansDeps) {
    this.#deps = deps;
  }

  /** undefined: the server never described it, which is malformed input. */
  get(oid: number): KnownRelation | undefined {
    return this.#byOid.get(oid);
  }

  get size(): number {
    return this.#byOid.size;
  }

  /** The stream has handed over every transaction that commits before it. */
  passed(lsn: Lsn): void {
    if (lsn < this.#leavingLsn) return;
    this.#leavingLsn = NEVER;
    for (const [oid, leavingLsn] of this.#leaving) {
      if (lsn >= leavingLsn) this.#forget(oid);
      else this.#leavingLsn = Math.min(this.#leavingLsn, leavingLsn);
    }
  }

  /** A Relation message, or a snapshot's table presented as one. */
  async learn(relation: Omit<RelationMessage, 'tag'>, phase: Phase = 'stream'): Promise<KnownRelation> {
    const { catalog, filter, settings } = this.#deps;
    this.#leaving.delete(relation.oid);
    if (this.#byOid.size >= this.#sweepSize) {
      await this.#leaveIfDropped([...this.#byOid.keys()]);
      this.#sweepSize = Math.max(SWEEP_MIN, 2 * (this.#byOid.size - this.#leaving.size));
    }
    if (!filter.includesTable(relation.schema, relation.table)) {
      const known = sameColumns(this.#byOid.get(relation.oid), relation);
      this.#byOid.set(relation.oid, known);
      return known;
    }
    const facts = factsOrIdentity(await catalog.loadFacts(relation), relation);
    await catalog.resolveTypes(relation.columns.map((column) => column.typeOid));
    const plan = planRows(relation, facts, (oid) => catalog.typeOf(relation.schema, oid), {
      ...settings,
      modes: { ...settings.modes, phase },
    });
    const known: TablePlan = {
      plan,
      output: new TableOutput(plan, this.#deps, () => this.#claimTopic(plan)),
      keys: new ValueComparer({ columns: plan.key }, this.#scratch),
      comparer: this.#deps.skipUnchanged ? new ValueComparer(plan, this.#scratch) : undefined,
      collection: `${plan.schema}.${plan.table}`,
      relationColumns: phase === 'stream' ? columnsOf(relation) : '',
    };
    this.#byOid.set(relation.oid, known);
    return known;
  }

  /**
   * Before the first record. Two tables whose names become one topic would mix their rows; one without records hinders nobody. A table that
   * was renamed, dropped or recreated leaves its topic free. Throws topic_name_collision.
   */
  async #claimTopic(plan: RowPlan): Promise<void> {
    const { topic, relationOid: oid } = plan;
    const table = `${plan.schema}.${plan.table}`;
    const owner = this.#ownerByTopic.get(topic);
    const isOwned = owner !== undefined && owner.oid !== oid && this.#byOid.get(owner.oid)?.plan.topic === topic;
    const isDropped = isOwned && (await this.#leaveIfDropped([owner.oid]));
    if (isOwned && !isDropped && owner.table !== table)
      throw new SlotlineError('topic_name_collision', { topic, tables: [owner.table, table] });
    this.#ownerByTopic.set(topic, { oid, table });
  }

  /** True if one of them was dropped. */
  async #leaveIfDropped(oids: readonly number[]): Promise<boolean> {
    const { oids: dropped, endLsn } = await this.#deps.catalog.findDropped(oids);
    for (const oid of dropped) this.#leaving.set(oid, endLsn);
    if (dropped.length > 0) this.#leavingLsn = Math.min(this.#leavingLsn, endLsn);
    return dropped.length > 0;
  }

  #forget(oid: number): void {
    const topic = this.#byOid.get(oid)?.plan.topic;
    if (topic !== undefined && this.#ownerByTopic.get(topic)?.oid === oid) this.#ownerByTopic.delete(topic);
    this.#byOid.delete(oid);
    this.#leaving.delete(oid);
  }
}

/**
 * A captured table that was renamed out of the lists goes on under its old name until the next start, as Debezium has it. With other
 * columns Debezium fails; here the table is not captured any more.
 */
function sameColumns(known: KnownRelation | undefined, relation: Omit<RelationMessage, 'tag'>): KnownRelation {
  return known?.relationColumns === columnsOf(relation) ? known : null;
}

function columnsOf({ columns }: Omit<RelationMessage, 'tag'>): string {
  return JSON.stringify(columns.map(({ name, typeOid, typmod }) => [name, typeOid, typmod]));
}

/** A table that was dropped since has no catalog row any more; its replica identity still tells the key (hazard 16). */
function factsOrIdentity(facts: TableFacts, relation: Omit<RelationMessage, 'tag'>): TableFacts {
  if (facts.columns.size > 0 || relation.replicaIdentity !== 'default') return facts;
  const key = relation.columns.filter((column) => column.inKey).map((column) => column.name);
  return { ...facts, primaryKey: key, columns: new Map(key.map((name) => [name, { notNull: true }])) };
}
