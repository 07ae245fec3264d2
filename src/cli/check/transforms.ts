/**
 * Owns what `check` tells of transforms: for each captured table which records its changes become, by topic, key, value and headers; and which
 * of them a transform would refuse. Nothing is sent, and no row is read.
 */
import type { TaskOptions } from '../../core/options.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import { topicNaming } from '../../events/table-checks.ts';
import { dataTopic } from '../../events/topic.ts';
import { failure, type Judgement, NAMES_MAX, nameOf, ok } from '../../pipeline/judgements/judgement.ts';
import { outcomesOf, type TableRecordKind } from '../../pipeline/routes/transformed-table.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { TransformChain } from '../../transforms/chain.ts';
import { isAlwaysNull, type Outcome, type ShapedRecord } from '../../transforms/shaped-record.ts';

const CHECK = 'tables.transforms';
const KINDS: readonly TableRecordKind[] = ['create', 'update', 'delete'];

type Transforming = Pick<TaskOptions, 'database' | 'events' | 'transforms'>;

/** The records that are known before any row: not those behind a fork. */
export function knownRecords(options: Transforming, plan: RowPlan): readonly ShapedRecord[] {
  return outcomes(options, plan).flatMap(([, outcome]) => (outcome?.tag === 'record' ? [outcome.record] : []));
}

/** The topics of the captured tables, as far as they are known before any row. */
export function topicsOf(
  options: Transforming,
  captured: readonly TableDescription[],
  plans: readonly RowPlan[],
): ReadonlyMap<string, readonly TableDescription[]> {
  const naming = topicNaming(options.events);
  if (options.transforms.length === 0) return Map.groupBy(captured, ({ schema, table }) => dataTopic(naming, schema, table));
  const byTopic = new Map<string, TableDescription[]>();
  const byName = new Map(captured.map((table) => [nameOf(table), table]));
  for (const plan of plans) {
    const table = byName.get(nameOf(plan));
    if (table === undefined) continue;
    for (const topic of new Set(knownRecords(options, plan).map((record) => record.topic)))
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), table]);
  }
  return byTopic;
}

/** One item for each table, but for very many. Refusals are all told. */
export function checkTransforms(options: Transforming, plans: readonly RowPlan[]): Judgement[] {
  if (options.transforms.length === 0) return [];
  const items: Judgement[] = [];
  for (const plan of plans) {
    try {
      const lines = Map.groupBy(outcomes(options, plan), ([, outcome]) => wordsOf(outcome));
      const what = [...lines].map(([words, kinds]) => `${kinds.map(([kind]) => kind).join(', ')}: ${words}`).join('; ');
      if (items.length < NAMES_MAX) items.push(ok(CHECK, what, { where: nameOf(plan) }));
    } catch (error) {
      items.push({ ...failure(CHECK, error), where: nameOf(plan) });
    }
  }
  return items;
}

function outcomes(
  { transforms, events, database }: Transforming,
  plan: RowPlan,
): readonly (readonly [kind: string, Outcome | undefined])[] {
  const constants = { version: '', name: events.topicPrefix, db: database.dbname };
  const debezium = new DebeziumShapes({ constants, transactionMetadata: events.transactionMetadata, binary: events.binaryHandlingMode });
  const shapes = debezium.ofTable(plan);
  const chain = new TransformChain(transforms);
  return KINDS.flatMap((kind) => {
    const { record, tombstone } = outcomesOf(kind, { shapes, topic: plan.topic }, { chain, contextHeaders: [] });
    const isSent = tombstone !== undefined && events.tombstonesOnDelete;
    return isSent ? [[kind, record] as const, ['tombstone', tombstone()] as const] : [[kind, record] as const];
  });
}

function wordsOf(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome.tag === 'dropped') return 'no record';
  if (outcome.tag === 'fork') return 'a record that depends on the values of the row';
  const { topic, key, value, headers } = outcome.record;
  const names = headers.entries.map(({ name }) => name);
  return `to ${topic}, key ${fieldsOf(key)}, value ${fieldsOf(value)}${names.length === 0 ? '' : `, headers ${names.join(' ')}`}`;
}

function fieldsOf(shape: ValueShape | undefined): string {
  if (shape === undefined || isAlwaysNull(shape)) return 'null';
  const { type, fields } = shape.schema;
  return fields === undefined ? type : `{${fields.map(({ field }) => field).join(' ')}}`;
}
