/**
 * Owns the cache from relation OID to compiled table plan, and when a plan leaves it. Asks the catalog when a relation version is new;
 * never per row. What its first record opens is table-output.ts's.
 *
 * The server says nothing of a table that was dropped. The catalog is asked, when another table takes its topic and whenever many new ones
 * have come; a plan then goes once the stream has passed what was written when the answer was given, for no row can be behind that.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { TableFilter } from '../../events/filter.ts';
import { type PlanSettings, planRows, type RowPlan } from '../../events/row-plan.ts';
import type { DroppedRelations } from '../../postgres/catalog/catalog.ts';
import { ComparerScratch, ValueComparer } from '../../serde/value-comparer.ts';
import { type Moment, NOW, type Relation, type RelationDescription } from './relation-facts.ts';
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

/** What plans are made from: the catalog of PostgreSQL (relation-facts.ts), behind an interface that a test can stand in for. */
export interface Catalog {
  /** As of that moment. `previousKey`: of the plan that the relation had, where it had one. */
  describe(relation: Relation, moment: Moment, previousKey: readonly string[] | undefined): Promise<RelationDescription>;
  /** Which of these relations are not there any more, and the end of the WAL when that was so. */
  findDropped(oids: readonly number[]): Promise<DroppedRelations>;
}

export type TablePlansDeps = TableOutputDeps & {
  readonly catalog: Catalog;
  readonly filter: TableFilter;
  readonly settings: PlanSettings;
  /** skip.messages.without.change. */
  readonly skipUnchanged: boolean;
};

/** null: the relation is known and not captured. */
export type KnownRelation = TablePlan | null;

/** After at least so many new relations it is asked which of all are gone. */
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
    this.#sweepLater();
  }

  /** A Relation message, or a snapshot's table presented as one. */
  async learn(relation: Relation, moment: Moment = NOW): Promise<KnownRelation> {
    const { catalog, filter, settings } = this.#deps;
    this.#leaving.delete(relation.oid);
    if (this.#byOid.size >= this.#sweepSize) {
      await this.#leaveIfDropped([...this.#byOid.keys()].filter((oid) => !this.#leaving.has(oid)));
      this.#sweepLater();
    }
    if (!filter.includesTable(relation.schema, relation.table)) {
      const known = sameColumns(this.#byOid.get(relation.oid), relation);
      this.#byOid.set(relation.oid, known);
      return known;
    }
    const { phase } = moment;
    const previousKey = this.#byOid.get(relation.oid)?.plan.key.map(({ name }) => name);
    const { facts, typeOf } = await catalog.describe(relation, moment, previousKey);
    const plan = planRows(relation, facts, typeOf, { ...settings, modes: { ...settings.modes, phase } });
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
    // If a row of the other one is still to come after all, it finds the topic taken.
    if (isDropped && owner.table !== table) this.#byOid.get(owner.oid)?.output.close();
    this.#ownerByTopic.set(topic, { oid, table });
  }

  /** True if one of them was dropped. */
  async #leaveIfDropped(oids: readonly number[]): Promise<boolean> {
    const { oids: dropped, endLsn } = await this.#deps.catalog.findDropped(oids);
    for (const oid of dropped) this.#leaving.set(oid, endLsn);
    if (dropped.length > 0) this.#leavingLsn = Math.min(this.#leavingLsn, endLsn);
    return dropped.length > 0;
  }

  /** When there are as many again, so that a backlog of tables that are long gone is not asked for over and over. */
  #sweepLater(): void {
    this.#sweepSize = this.#byOid.size + Math.max(SWEEP_MIN, this.#byOid.size);
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
function sameColumns(known: KnownRelation | undefined, relation: Relation): KnownRelation {
  return known?.relationColumns === columnsOf(relation) ? known : null;
}

function columnsOf({ columns }: Relation): string {
  return JSON.stringify(columns.map(({ name, typeOid, typmod }) => [name, typeOid, typmod]));
}
