/**
 * Owns the cache from relation OID to compiled table plan: row plan, serializer, topic. Asks the catalog and Kafka when a
 * relation version is new; never per row.
 */
import { SlotlineError } from '../core/errors.ts';
import type { TableFilter } from '../events/filter.ts';
import { type PlanSettings, planRows, type RowPlan, type TableFacts } from '../events/row-plan.ts';
import type { TopicHandle } from '../kafka/publisher-contract.ts';
import type { RelationMessage } from '../pgoutput/messages.ts';
import type { RowSerializer } from '../serde/serializer.ts';
import { ValueComparer } from '../serde/value-comparer.ts';
import type { PgType, Phase } from '../values/pg-type.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';

export type TablePlan = {
  readonly plan: RowPlan;
  readonly serializer: RowSerializer;
  readonly topic: TopicHandle;
  /** The registry refused this version of the table: its rows go elsewhere. Undefined in all others. */
  readonly deadLetter: DeadLetter | undefined;
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
}

export type TablePlansDeps = {
  readonly catalog: Catalog;
  readonly filter: TableFilter;
  readonly settings: PlanSettings;
  /** Resolves when the schemas that the rows need are registered. */
  readonly compile: (plan: RowPlan) => RowSerializer | Promise<RowSerializer>;
  readonly openTopic: (name: string) => Promise<TopicHandle>;
  /** Undefined: what the registry refuses ends the attempt. */
  readonly deadLetters: Pick<DeadLetters, 'accepts' | 'take'> | undefined;
  /** skip.messages.without.change. */
  readonly skipUnchanged: boolean;
};

/** null: the relation is known and not captured. */
export type KnownRelation = TablePlan | null;

export class TablePlans {
  readonly #deps: TablePlansDeps;
  readonly #byOid = new Map<number, KnownRelation>();
  readonly #ownerByTopic = new Map<string, { readonly oid: number; readonly table: string }>();

  constructor(deps: TablePlansDeps) {
    this.#deps = deps;
  }

  /** undefined: the server never described it, which is malformed input. */
  get(oid: number): KnownRelation | undefined {
    return this.#byOid.get(oid);
  }

  /** A Relation message, or a snapshot's table presented as one. Throws topic_name_collision. */
  async learn(relation: Omit<RelationMessage, 'tag'>, phase: Phase = 'stream'): Promise<KnownRelation> {
    const { catalog, filter, settings } = this.#deps;
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
    this.#claimTopic(plan);
    const known: TablePlan = {
      plan,
      ...(await this.#open(plan)),
      keys: new ValueComparer({ columns: plan.key }),
      comparer: this.#deps.skipUnchanged ? new ValueComparer(plan) : undefined,
      collection: `${plan.schema}.${plan.table}`,
      relationColumns: phase === 'stream' ? columnsOf(relation) : '',
    };
    this.#byOid.set(relation.oid, known);
    return known;
  }

  /** The schemas first, as Connect has it: a topic of a table that is refused is not created. */
  async #open(plan: RowPlan): Promise<Pick<TablePlan, 'serializer' | 'topic' | 'deadLetter'>> {
    const { compile, openTopic, deadLetters } = this.#deps;
    try {
      const serializer = await compile(plan);
      return { serializer, topic: await openTopic(plan.topic), deadLetter: undefined };
    } catch (error) {
      if (!deadLetters?.accepts(error)) throw error;
      return await deadLetters.take(plan, error);
    }
  }

  /** Two tables whose names become one topic would mix their rows. A table that was renamed or recreated leaves its topic free. */
  #claimTopic(plan: RowPlan): void {
    const { topic, relationOid: oid } = plan;
    const table = `${plan.schema}.${plan.table}`;
    const owner = this.#ownerByTopic.get(topic);
    const isOwned = owner !== undefined && owner.oid !== oid && this.#byOid.get(owner.oid)?.plan.topic === topic;
    if (isOwned && owner.table !== table) throw new SlotlineError('topic_name_collision', { topic, tables: [owner.table, table] });
    this.#ownerByTopic.set(topic, { oid, table });
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
