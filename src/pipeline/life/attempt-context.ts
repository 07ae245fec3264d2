/**
 * Owns what one attempt of a connector is made of: sessions, publisher, serde, plans. Built in one place so that snapshot
 * and streaming share the same codecs and serializers. What their records are written from each has for itself. A context lives for one
 * attempt and keeps nothing between.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { EventOptions, TaskOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import { compileColumnRules } from '../../events/column-rules.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import { EventView } from '../../events/event-view.ts';
import { compileFilter, type TableFilter } from '../../events/filter.ts';
import { fieldNameAdjuster, schemaNameAdjuster } from '../../events/name-adjustment.ts';
import type { PlanSettings } from '../../events/row-plan.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { topicNaming } from '../../events/table-checks.ts';
import { deadLetterTopic, heartbeatTopic, messageTopic, transactionTopic } from '../../events/topic.ts';
import { TransactionOrder } from '../../events/transaction.ts';
import { createKafkaClient, type KafkaClient } from '../../kafka/client.ts';
import type { ProducerIdentity } from '../../kafka/producer/identity.ts';
import { createPublisher } from '../../kafka/producer/publisher.ts';
import type { Publisher, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { TypeRegistry } from '../../postgres/catalog/type-registry.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import { JsonHalfSerde } from '../../serde/plain-halves.ts';
import { contextHeaders as contextHeadersOf, type Header } from '../../serde/record-headers.ts';
import { type CompiledRecord, RecordSerde } from '../../serde/record-serde.ts';
import { TransformChain } from '../../transforms/chain.ts';
import type { ValueModes } from '../../values/pg-type.ts';
import { misleadingKeys, misleadingLabels } from '../judgements/misleading.ts';
import { type ChangeCounts, ChangeWriter, noChanges } from '../loop/change-writer.ts';
import { ControlRecords } from '../loop/control-records.ts';
import { ConversionFailures } from '../loop/conversion-failures.ts';
import { createSerde } from '../loop/create-serde.ts';
import { DEAD_LETTER_FORMAT, DeadLetters } from '../loop/dead-letters.ts';
import { tellOnce } from '../loop/misleading-tables.ts';
import { CATALOG_WAIT_MS, RelationFacts, type StaleLabels } from '../loop/relation-facts.ts';
import { TablePlans } from '../loop/table-plans.ts';
import { compileTable } from '../loop/table-records.ts';
import { TransactionBoundaries } from '../loop/transaction-boundaries.ts';
import type { Fence } from '../positions/fence.ts';
import type { Positions } from '../positions/positions.ts';
import { Heartbeat } from '../reading/heartbeat.ts';
import { HeartbeatAction } from '../reading/heartbeat-action.ts';
import { refusedRecords } from '../routes/refused-records.ts';
import { TransformedTable } from '../routes/transformed-table.ts';
import { type LiveState, tellingRefusals } from './live-state.ts';

export type TaskDeps = {
  readonly options: TaskOptions;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Slotline's version, for source.version. */
  readonly version: string;
  /** A UUID of this run, for the context headers. */
  readonly runId: string;
  /** One per connector: the next attempt's producer fences off what this one left at a frozen broker. */
  readonly producerIdentity: ProducerIdentity;
  /** What ops/ shows. */
  readonly live: LiveState;
};

/** What produces rows, the stream or a snapshot: what its records say, and what writes them. No other producer changes that. */
type RowProducer = {
  readonly info: SourceInfo;
  readonly event: EventView;
  readonly changes: ChangeWriter;
};

export type AttemptContext = TaskDeps & {
  /** SQL session; its loss (57P01) ends the attempt, so that a server that shuts down is not held up (hazard 2b). */
  readonly sql: PgSession;
  readonly kafka: KafkaClient;
  readonly publisher: Publisher;
  readonly filter: TableFilter;
  /** Heartbeats, logical messages and the boundaries of transactions are records of the stream too. */
  readonly stream: RowProducer;
  readonly snapshot: RowProducer;
  /** Of both. */
  readonly counts: ChangeCounts;
  readonly serde: RecordSerde;
  readonly controls: ControlRecords;
  readonly types: TypeRegistry;
  readonly plans: TablePlans;
  /** Only with provide.transaction.metadata. */
  readonly boundaries: TransactionBoundaries | undefined;
  /** Only with heartbeat.interval.ms. */
  readonly heartbeat: Heartbeat | undefined;
  /** Whether anything may be sent; the publisher asks it. */
  readonly fence: Fence;
  /** The way back; the publisher tells it. */
  readonly positions: Positions;
  /** Aborts when the attempt must end: a stop was asked for, or something failed. */
  readonly signal: AbortSignal;
};

type ContextHooks = {
  readonly signal: AbortSignal;
  readonly onFailure: (error: SlotlineError) => void;
  readonly fence: Fence;
  readonly positions: Positions;
};

export function createContext(deps: TaskDeps, sql: PgSession, hooks: ContextHooks): AttemptContext {
  const { options } = deps;
  const kafka = createKafkaClient(options.kafka, deps);
  const { fence, positions, onFailure } = hooks;
  const sending = { fence, acknowledgements: positions, onFailure };
  const publisher = createPublisher(kafka, options.producer, options.topicCreation, sending, deps);
  const filter = compileFilter(options.filter);
  const order = options.events.transactionMetadata ? new TransactionOrder({ endBytesMax: options.producer.requestBytesMax }) : undefined;
  const failures = new ConversionFailures(options.events.conversionFailure, deps.log);
  const shapes = shapesOf(deps);
  const serde = openSerde(deps, { failures, signal: hooks.signal });
  const types = new TypeRegistry(sql);
  const naming = topicNaming(options.events);
  const headers = contextHeadersOf({ connectorLogicalName: options.events.topicPrefix, taskId: options.taskId, runId: deps.runId });
  const contextHeaders = options.events.extendedHeaders ? headers : [];
  const openTopic = (name: string): Promise<TopicHandle> => publisher.openTopic(name, hooks.signal);
  const onRefused = refusedRecords({ tolerates: options.toleratesErrors, log: deps.log });
  const chain = new TransformChain(options.transforms, onRefused);
  const routed = { ...withRefusalsTold(serde, deps.live), writesNull: serde.writesNull };
  const plans = new TablePlans({
    catalog: createCatalog(deps, { sql, types, signal: hooks.signal }),
    filter,
    settings: planSettings(options, filter),
    compile: (plan) => compileTable(plan, shapes, withRefusalsTold(serde, deps.live)),
    openTopic,
    transform: chain.isEmpty
      ? undefined
      : (plan) => new TransformedTable(() => shapes.ofTable(plan), plan.topic, { chain, contextHeaders, openTopic, serde: routed }),
    deadLetters: createDeadLetters(deps, { out: serde.out, shapes, contextHeaders, openTopic, failures }),
    skipUnchanged: options.events.skipUnchanged,
  });
  const counts = noChanges();
  const writing = { out: serde.out, publisher, failures, counts, options: options.events, contextHeaders, onRefused };
  const stream = createProducer(writing, order);
  // A non-transactional message before the first transaction shows the start of the task, as Debezium's does.
  stream.info.commitTimeUs = deps.clock.nowMs() * 1000;
  // Its rows have no place in a transaction.
  const snapshot = createProducer(writing, undefined);
  const { event, info } = stream;
  const topics = {
    message: messageTopic(naming),
    transaction: transactionTopic(naming, options.events.transactionTopic),
    heartbeat: heartbeatTopic(naming, options.events.heartbeat),
  };
  const onDropped = (): void => {
    counts.dropped++;
  };
  const controls = new ControlRecords({ serde: routed, openTopic, out: serde.out, shapes, event, chain, publisher, topics, onDropped });
  const boundaries = order === undefined ? undefined : new TransactionBoundaries({ order, controls });
  const heartbeat = createHeartbeat(deps, hooks, { info, controls, publisher });
  const parts = { sql, kafka, publisher, filter, stream, snapshot, counts, serde, controls, types, plans, boundaries, heartbeat };
  return { ...deps, ...parts, fence, positions, signal: hooks.signal };
}

function createProducer(
  writing: Omit<ConstructorParameters<typeof ChangeWriter>[0], 'event'>,
  order: TransactionOrder | undefined,
): RowProducer {
  const info = new SourceInfo();
  const event = new EventView(info, order);
  return { info, event, changes: new ChangeWriter({ ...writing, event }) };
}

function shapesOf({ options: { events, database }, version }: TaskDeps): DebeziumShapes {
  return new DebeziumShapes({
    constants: { version, name: events.topicPrefix, db: database.dbname },
    transactionMetadata: events.transactionMetadata,
    binary: events.binaryHandlingMode,
  });
}

type Compile = Pick<RecordSerde, 'compile'>;

function withRefusalsTold(serde: RecordSerde, live: LiveState): Compile {
  const told = (half: CompiledRecord['key']): CompiledRecord['key'] =>
    half === undefined ? undefined : { write: half.write, open: (topic) => tellingRefusals(live, half.open(topic)) };
  return {
    compile: (shape) => {
      const { key, value } = serde.compile(shape);
      return { key: told(key), value: told(value) };
    },
  };
}

function createCatalog(deps: TaskDeps, parts: Pick<AttemptContext, 'sql' | 'types' | 'signal'>): RelationFacts {
  const { clock, log, live, options } = deps;
  const onDescribed = (table: TableDescription): void => tellOnce(deps, 'table.key_misleading', misleadingKeys(table, options));
  const onTrouble = (error: SlotlineError | undefined): void => live.tell({ tag: 'catalogTrouble', error });
  const onStale = (stale: StaleLabels): void => tellOnce(deps, 'table.enum_misleading', [misleadingLabels(stale)]);
  const onStaleLabels = options.events.valueCorrections.has('enums') ? undefined : onStale;
  return new RelationFacts({ ...parts, clock, log, onTrouble, onDescribed, onStaleLabels, waitMsMax: CATALOG_WAIT_MS });
}

type DeadLetterParts = {
  readonly failures: ConversionFailures;
  readonly out: ByteWriter;
  readonly shapes: DebeziumShapes;
  readonly contextHeaders: readonly Header[];
  readonly openTopic: (name: string) => Promise<TopicHandle>;
};

function createDeadLetters(deps: TaskDeps, parts: DeadLetterParts): DeadLetters | undefined {
  const { out, shapes, contextHeaders, openTopic, failures } = parts;
  const { options, log } = deps;
  const { events } = options;
  const { deadLetters } = events;
  if (deadLetters === undefined) return undefined;
  const half = new JsonHalfSerde(DEAD_LETTER_FORMAT, out, (failure) => failures.report(failure));
  const serde = new RecordSerde(out, half, half);
  return new DeadLetters({
    compile: (plan) => compileTable(plan, shapes, serde),
    openTopic: () => openTopic(deadLetterTopic(topicNaming(events), deadLetters)),
    options,
    contextHeaders,
    log,
  });
}

type HeartbeatParts = Pick<ConstructorParameters<typeof Heartbeat>[0], 'info' | 'controls' | 'publisher'>;

function createHeartbeat(deps: TaskDeps, hooks: ContextHooks, parts: HeartbeatParts): Heartbeat | undefined {
  const { database, events } = deps.options;
  const { intervalMs, actionQuery } = events.heartbeat;
  if (intervalMs === 0) return undefined;
  const action =
    actionQuery === undefined
      ? undefined
      : new HeartbeatAction({
          sql: actionQuery,
          open: (signal) => openSession(database, { applicationName: 'Slotline Heartbeat', signal }),
          timeoutMs: database.queryTimeoutMs === 0 ? undefined : database.queryTimeoutMs,
          log: deps.log,
          signal: hooks.signal,
        });
  return new Heartbeat({ ...parts, intervalMs, clock: deps.clock, action, onFailure: (error) => hooks.onFailure(toSlotlineError(error)) });
}

type SerdeParts = { readonly failures: ConversionFailures; readonly signal: AbortSignal };

function openSerde({ options, log, random, live }: TaskDeps, { failures, signal }: SerdeParts): RecordSerde {
  return createSerde({
    options,
    onFailure: (failure) => failures.report(failure),
    registry: {
      random,
      onRetry: (error, attempt, question) => {
        log.warn('registry.retry', { code: error.code, ...error.details, attempt });
        live.tell({ tag: 'registryRetry', question, error });
      },
      onAnswered: (question) => live.tell({ tag: 'registryAnswered', question }),
    },
    signal,
  });
}

/** Of streaming; a snapshot's differ in `modes.phase`. */
export function planSettings({ events }: Pick<TaskOptions, 'events'>, filter: TableFilter): PlanSettings {
  return {
    naming: topicNaming(events),
    filter,
    keyColumns: events.keyColumns,
    modes: valueModes(events),
    columnRules: compileColumnRules(events.columnRules),
    adjustSchemaName: schemaNameAdjuster(events.schemaNameAdjustment),
    adjustFieldName: fieldNameAdjuster(events.fieldNameAdjustment),
  };
}

function valueModes(events: EventOptions): ValueModes {
  return {
    decimal: events.decimalHandlingMode,
    time: events.timePrecisionMode,
    interval: events.intervalHandlingMode,
    binary: events.binaryHandlingMode,
    hstore: events.hstoreHandlingMode,
    moneyFractionDigits: events.moneyFractionDigits,
    includeUnknownDatatypes: events.includeUnknownDatatypes,
    unavailablePlaceholder: events.unavailableValuePlaceholder,
    corrections: events.valueCorrections,
    phase: 'stream',
  };
}
