/**
 * Owns the check of schemas: what the tables' keys and values would be registered as, planned as the stream plans them, and whether the
 * registry takes it. Registers nothing. registry.ts checks that the registry answers.
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { RegistryOptions, TaskOptions } from '../../core/options.ts';
import { compileFilter } from '../../events/filter.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import { planRows, type RowPlan } from '../../events/row-plan.ts';
import { topicNaming } from '../../events/table-checks.ts';
import { deadLetterTopic } from '../../events/topic.ts';
import { failure, type Judgement, nameOf, ok } from '../../pipeline/judgements/judgement.ts';

import { planSettings } from '../../pipeline/life/attempt-context.ts';
import { createSerde } from '../../pipeline/loop/create-serde.ts';
import { type TableDescription, tableFacts } from '../../postgres/catalog/catalog.ts';
import { TypeRegistry } from '../../postgres/catalog/type-registry.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { SchemaRegistry } from '../../registry/schema-registry.ts';
import { isAlwaysNull } from '../../transforms/shaped-record.ts';
import { knownRecords } from './transforms.ts';
import { TrialRegistry } from './trial-registry.ts';

const CHECK = 'registry.schemas';
/** How many tables are checked at once. */
const TABLES_AT_ONCE = 8;

export function hasRegistry({ keyConverter, valueConverter }: Pick<TaskOptions, 'keyConverter' | 'valueConverter'>): boolean {
  return 'registry' in keyConverter || 'registry' in valueConverter;
}

type PublishedRow = { schema: string; table: string; columns: string[] };

const PUBLISHED_SQL = `
select schemaname::text as "schema", tablename::text as "table", attnames::text[] as "columns"
  from pg_catalog.pg_publication_tables where pubname = $1`;

/** Plans the tables with the columns that the stream has; with `initial_only` nothing streams, and a snapshot reads all columns. */
export async function planCaptured(
  session: PgSession,
  options: Pick<TaskOptions, 'events' | 'filter' | 'publication' | 'snapshot'>,
  captured: readonly TableDescription[],
): Promise<readonly RowPlan[]> {
  const types = new TypeRegistry(session);
  await types.prime();
  await types.resolve(captured.flatMap(({ columns }) => columns.map(({ typeOid }) => typeOid)));
  const isStreamed = options.snapshot.mode !== 'initial_only';
  const published = isStreamed ? await loadPublished(session, options.publication.name) : new Map<string, ReadonlySet<string>>();
  const settings = planSettings(options, compileFilter(options.filter));
  const modes = { ...settings.modes, phase: isStreamed ? ('stream' as const) : ('snapshot' as const) };
  return captured.map((table) => {
    const isSent = isStreamed ? streamedColumns(published.get(nameOf(table))) : () => true;
    const columns = table.columns.filter(isSent).map(({ name, typeOid, typmod }) => ({ name, typeOid, typmod, inKey: false }));
    return planRows({ ...table, columns }, tableFacts(table), (oid) => types.typeIn(table.schema, oid), { ...settings, modes });
  });
}

/** The published columns by table; undefined where all are, as in PostgreSQL 14, which has no column lists. */
async function loadPublished(session: PgSession, publication: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  if (session.serverMajor < 15) return new Map();
  const rows = await session.query<PublishedRow>(PUBLISHED_SQL, [publication]);
  return new Map(rows.map((row) => [nameOf(row), new Set(row.columns)]));
}

/** Whether a column is streamed. In a table that is not published yet, all but generated columns are. */
function streamedColumns(published: ReadonlySet<string> | undefined): (column: TableDescription['columns'][number]) => boolean {
  return ({ name, generated }) => (published === undefined ? !generated : published.has(name));
}

/** One item for each schema that does not fit. Throws what keeps the registry from answering. */
export async function checkSchemas(options: Trial['options'], plans: readonly RowPlan[], signal: AbortSignal): Promise<Judgement[]> {
  const items: Judgement[] = [];
  const clients = new Map<RegistryOptions, SchemaRegistry>();
  const openClient = (registry: RegistryOptions): SchemaRegistry => {
    const client =
      clients.get(registry) ??
      new SchemaRegistry({ ...registry, retryForMs: 0 }, { random: Math.random, onRetry: () => {}, onAnswered: () => {} });
    clients.set(registry, client);
    return client;
  };
  const queue = [...plans];
  let fitting = 0;
  const tryInTurn = async (): Promise<void> => {
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift()) {
      const refusals = await tryPlan(plan, { options, signal, openClient });
      if (refusals.length === 0) fitting++;
      for (const refusal of refusals) items.push(refusedItem(plan, refusal, options));
    }
  };
  try {
    await Promise.all(Array.from({ length: TABLES_AT_ONCE }, tryInTurn));
  } finally {
    for (const client of clients.values()) await client[Symbol.asyncDispose]();
  }
  if (fitting > 0) items.unshift(ok(CHECK, `The schemas of ${fitting} of ${plans.length} tables fit`));
  return items;
}

type Trial = {
  readonly options: Pick<TaskOptions, 'database' | 'events' | 'keyConverter' | 'transforms' | 'valueConverter'>;
  readonly signal: AbortSignal;
  readonly openClient: (registry: RegistryOptions) => SchemaRegistry;
};

/** Goes through the serde that would write the rows, so each format is tried with its own schemas. */
async function tryPlan(plan: RowPlan, { options, signal, openClient }: Trial): Promise<readonly SlotlineError[]> {
  const refusals: SlotlineError[] = [];
  const serde = createSerde({
    options,
    onFailure: () => {},
    registry: { random: Math.random, onRetry: () => {}, onAnswered: () => {} },
    openRegistry: (registry) => new TrialRegistry(openClient(registry), refusals),
    signal,
  });
  try {
    // Records of several kinds have the same keys, and often the same values.
    const asked = new Set<string>();
    const isNew = (half: string, topic: string, shape: ValueShape | undefined): boolean => {
      const question = `${half} ${topic} ${shape?.schema.name}`;
      const found = asked.has(question);
      asked.add(question);
      return !found;
    };
    for (const { topic, relation, key, value } of knownRecords(options, plan)) {
      // A null has no schema in a registry, though transforms may give it one.
      const compiled = serde.compile({ relation, key, value: isAlwaysNull(value) ? undefined : value });
      if (isNew('key', topic, key)) await compiled.key?.open(topic);
      if (isNew('value', topic, value)) await compiled.value?.open(topic);
    }
  } catch (error) {
    const known = toSlotlineError(error);
    if (known.retry === 'auto' || known.code === 'unexpected') throw known;
    refusals.push(known);
  }
  return refusals;
}

/** What goes to the dead-letter topic does not keep the connector from running. */
function refusedItem(plan: RowPlan, error: SlotlineError, { events }: Pick<TaskOptions, 'events'>): Judgement {
  const item = { ...failure(CHECK, error), where: nameOf(plan) };
  if (events.deadLetters === undefined || error.code !== 'registry_incompatible') return item;
  const topic = deadLetterTopic(topicNaming(events), events.deadLetters);
  return { ...item, status: 'warn', what: `${item.what}; its rows go to ${topic}` };
}
