/**
 * Owns the compiled table plans by relation OID and phase, and when a plan goes. The stream is given only plans that were made for it, and so
 * is a snapshot: either may go on while the other learns the table anew. Which table a topic belongs to, and that a table was dropped, holds for
 * both. Asks the catalog when a relation version is new; never per row. What its first record opens is table-output.ts's.
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
import type { Phase } from '../../values/pg-type.ts';
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
  /** Names and types of its columns as the stream describes them, to compare; empty in a snapshot's plan. */
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

/** What stays of a snapshot's plan until the stream describes the table: its rows are in the topic. */
type ReadTable = { readonly topic: string; readonly key: readonly string[] };

/** After at least so many new relations it is asked which of all are gone. */
const SWEEP_MIN = 500;
const NEVER = Number.POSITIVE_INFINITY;

export class TablePlans {
  readonly #deps: TablePlansDeps;
  readonly #streamed = new Map<number, KnownRelation>();
  /** Of the tables that are being read. */
  readonly #snapshotted = new Map<number, TablePlan>();
  readonly #read = new Map<number, ReadTable>();
  readonly #ownerByTopic = new Map<string, { readonly oid: number; readonly table: string }>();
  readonly #scratch = new ComparerScratch();
  readonly #settings: Readonly<Record<Phase, PlanSettings>>;
  /** Relations that were dropped, and behind which position nothing comes of them any more. */
  readonly #leaving = new Map<number, Lsn>();
  /** The least position in #leaving. */
  #leavingLsn: number = NEVER;
  #sweepSize = SWEEP_MIN;

  constructor(deps: TablePlansDeps) {
    this.#deps = deps;
    const { settings } = deps;
    const of = (phase: Phase): PlanSettings => ({ ...settings, modes: { ...settings.modes, phase } });
    // Made once, because codecs are shared among tables with the same modes.
    this.#settings = { stream: of('stream'), snapshot: of('snapshot') };
  }

  /** The stream's. undefined: the server never described it, which is malformed input. */
  get(oid: number): KnownRelation | undefined {
    return this.#streamed.get(oid);
  }

  /** Relations of which anything is kept. One that the stream has described counts twice while a snapshot reads it. */
  get size(): number {
    return this.#streamed.size + this.#snapshotted.size + this.#read.size;
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
    this.#leaving.delete(relation.oid);
    if (this.size >= this.#sweepSize) {
      await this.#leaveIfDropped([...this.#knownOids()].filter((oid) => !this.#leaving.has(oid)));
      this.#sweepLater();
    }
    const isCaptured = this.#deps.filter.includesTable(relation.schema, relation.table);
    if (moment.phase === 'snapshot') {
      const plan = isCaptured ? await this.#plan(relation, moment, undefined) : null;
      if (plan !== null) this.#snapshotted.set(relation.oid, plan);
      return plan;
    }
    const last = this.#streamed.get(relation.oid);
    const known = isCaptured ? await this.#plan(relation, moment, this.#keyOf(relation.oid)) : sameColumns(last, relation);
    this.#streamed.set(relation.oid, known);
    this.#read.delete(relation.oid);
    return known;
  }

  /** The stream that described it has ended; the next one describes it again in front of its first row. */
  forgetStreamed(oid: number): void {
    this.#streamed.delete(oid);
  }

  /** A snapshot has read the table: its plan goes. The topic stays the table's, and its key is the one that the table had. */
  tableRead(oid: number): void {
    const plan = this.#snapshotted.get(oid)?.plan;
    this.#snapshotted.delete(oid);
    if (plan !== undefined && !this.#streamed.has(oid)) this.#read.set(oid, { topic: plan.topic, key: keyNames(plan) });
  }

  async #plan(relation: Relation, moment: Moment, previousKey: readonly string[] | undefined): Promise<TablePlan> {
    const { catalog, skipUnchanged } = this.#deps;
    const { phase } = moment;
    const { facts, typeOf } = await catalog.describe(relation, moment, previousKey);
    const plan = planRows(relation, facts, typeOf, this.#settings[phase]);
    return {
      plan,
      output: new TableOutput(plan, this.#deps, () => this.#claimTopic(plan)),
      keys: new ValueComparer({ columns: plan.key }, this.#scratch),
      comparer: skipUnchanged ? new ValueComparer(plan, this.#scratch) : undefined,
      collection: `${plan.schema}.${plan.table}`,
      relationColumns: phase === 'stream' ? columnsOf(relation) : '',
    };
  }

  /** The key that the table's rows had last. */
  #keyOf(oid: number): readonly string[] | undefined {
    const plan = this.#streamed.get(oid)?.plan ?? this.#snapshotted.get(oid)?.plan;
    return plan === undefined ? this.#read.get(oid)?.key : keyNames(plan);
  }

  /** Of all that is planned for it. */
  #topicsOf(oid: number): readonly (string | undefined)[] {
    return [this.#streamed.get(oid)?.plan.topic, this.#snapshotted.get(oid)?.plan.topic, this.#read.get(oid)?.topic];
  }

  #knownOids(): ReadonlySet<number> {
    return new Set([...this.#streamed.keys(), ...this.#snapshotted.keys(), ...this.#read.keys()]);
  }

  /**
   * Before the first record. Two tables whose names become one topic would mix their rows; one without records hinders nobody. A table that
   * was renamed, dropped or recreated leaves its topic free. Throws topic_name_collision.
   */
  async #claimTopic(plan: RowPlan): Promise<void> {
    const { topic, relationOid: oid } = plan;
    const table = `${plan.schema}.${plan.table}`;
    const owner = this.#ownerByTopic.get(topic);
    const isOwned = owner !== undefined && owner.oid !== oid && this.#topicsOf(owner.oid).includes(topic);
    const isDropped = isOwned && (await this.#leaveIfDropped([owner.oid]));
    // Another table has taken it meanwhile.
    if (isOwned && this.#ownerByTopic.get(topic) !== owner) return await this.#claimTopic(plan);
    if (isOwned && !isDropped && owner.table !== table)
      throw new SlotlineError('topic_name_collision', { topic, tables: [owner.table, table] });
    // If a row of the other one is still to come after all, it finds the topic taken.
    if (isDropped && owner.table !== table) {
      this.#streamed.get(owner.oid)?.output.close();
      this.#snapshotted.get(owner.oid)?.output.close();
    }
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
    this.#sweepSize = this.size + Math.max(SWEEP_MIN, this.size);
  }

  #forget(oid: number): void {
    for (const topic of this.#topicsOf(oid))
      if (topic !== undefined && this.#ownerByTopic.get(topic)?.oid === oid) this.#ownerByTopic.delete(topic);
    this.#streamed.delete(oid);
    this.#snapshotted.delete(oid);
    this.#read.delete(oid);
    this.#leaving.delete(oid);
  }
}

function keyNames({ key }: RowPlan): readonly string[] {
  return key.map(({ name }) => name);
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
