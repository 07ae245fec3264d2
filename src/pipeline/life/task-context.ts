/**
 * Owns what one attempt of a connector is made of: sessions, publisher, serde, plans. Built in one place so that snapshot
 * and streaming share the same plans, codecs and serializers. A context lives for one attempt and keeps nothing between.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { EventOptions, ResolvedOptions } from '../../core/options.ts';
import type { Clock } from '../../core/time.ts';
import { compileColumnRules } from '../../events/column-rules.ts';
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
import type { Publisher, PublisherEvents, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { TableDescription } from '../../postgres/catalog/catalog.ts';
import { TypeRegistry } from '../../postgres/catalog/type-registry.ts';
import { openSession, type PgSession } from '../../postgres/session/open-session.ts';
import type { ControlKind } from '../../serde/avro/control.ts';
import { type EventFacts, JsonSerde } from '../../serde/json/serde.ts';
import { contextHeaders as contextHeadersOf, type Header } from '../../serde/record-headers.ts';
import type { TableSerde, TaskSerde } from '../../serde/record-serde.ts';
import type { ConversionFailure } from '../../serde/serializer.ts';
import type { ValueModes } from '../../values/pg-type.ts';
import { misleadingKeys, misleadingLabels } from '../judgements/misleading.ts';
import { ChangeWriter } from '../loop/change-writer.ts';
import { ConversionFailures } from '../loop/conversion-failures.ts';
import { DeadLetters, deadLetterFormat } from '../loop/dead-letters.ts';
import { tellOnce } from '../loop/misleading-tables.ts';
import { CATALOG_WAIT_MS, RelationFacts, type StaleLabels } from '../loop/relation-facts.ts';
import { TablePlans } from '../loop/table-plans.ts';
import { createTaskSerde } from '../loop/task-serde.ts';
import { TransactionBoundaries } from '../loop/transaction-boundaries.ts';
import type { Fence } from '../positions/fence.ts';
import { Heartbeat } from '../reading/heartbeat.ts';
import { HeartbeatAction } from '../reading/heartbeat-action.ts';
import type { LiveState } from './live-state.ts';

export const TASK_ID = '0';

export type TaskDeps = {
  readonly options: ResolvedOptions;
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

export type TaskContext = TaskDeps & {
  /** SQL session; its loss (57P01) ends the attempt, so that a server that shuts down is not held up (hazard 2b). */
  readonly sql: PgSession;
  readonly kafka: KafkaClient;
  readonly publisher: Publisher;
  readonly filter: TableFilter;
  readonly info: SourceInfo;
  readonly serde: TaskSerde;
  readonly types: TypeRegistry;
  readonly plans: TablePlans;
  readonly changes: ChangeWriter;
  /** Only with provide.transaction.metadata. */
  readonly boundaries: TransactionBoundaries | undefined;
  /** Only with heartbeat.interval.ms. */
  readonly heartbeat: Heartbeat | undefined;
  readonly openMessageTopic: () => Promise<TopicHandle>;
  /** Whether anything may be sent. */
  readonly fence: Fence;
  /** Aborts when the attempt must end: a stop was asked for, or something failed. */
  readonly signal: AbortSignal;
};

type ContextHooks = {
  readonly signal: AbortSignal;
  readonly onSettled: () => void;
  readonly onFailure: (error: SlotlineError) => void;
  readonly fence: Fence;
};

export function createContext(deps: TaskDeps, sql: PgSession, hooks: ContextHooks): TaskContext {
  const { options } = deps;
  const kafka = createKafkaClient(options.kafka, deps);
  const { fence } = hooks;
  const events: PublisherEvents = { onSettled: hooks.onSettled, onFailure: hooks.onFailure, maySend: () => fence.maySend() };
  const publisher = createPublisher(kafka, options.producer, options.topicCreation, events, deps);
  const info = new SourceInfo();
  // A non-transactional message before the first transaction shows the start of the task, as Debezium's does.
  info.commitTimeUs = deps.clock.nowMs() * 1000;
  const filter = compileFilter(options.filter);
  const order = options.events.transactionMetadata ? new TransactionOrder({ endBytesMax: options.producer.requestBytesMax }) : undefined;
  const failures = new ConversionFailures(options.events.conversionFailure, deps.log, info);
  const serde = createSerde(deps, { facts: { info, order }, failures, signal: hooks.signal });
  const types = new TypeRegistry(sql);
  const naming = topicNaming(options.events);
  const headers = contextHeadersOf({ connectorLogicalName: options.events.topicPrefix, taskId: TASK_ID, runId: deps.runId });
  const contextHeaders = options.events.extendedHeaders ? headers : [];
  const openTopic = (name: string): Promise<TopicHandle> => publisher.openTopic(name, hooks.signal);
  const plans = new TablePlans({
    catalog: createCatalog(deps, { sql, types, signal: hooks.signal }),
    filter,
    settings: planSettings(options, filter),
    serde: (plan) => countingRefusals(serde.table(plan), deps.live),
    openTopic,
    deadLetters: createDeadLetters(deps, { out: serde.out, facts: { info, order }, contextHeaders, openTopic, failures }),
    skipUnchanged: options.events.skipUnchanged,
  });
  const changes = new ChangeWriter({
    out: serde.out,
    info,
    order,
    publisher,
    failures,
    options: options.events,
    contextHeaders,
  });
  const openControlTopic = async (kind: ControlKind, name: string): Promise<TopicHandle> => {
    await deps.live.countRefusals(serde.openControl(kind, name));
    return await openTopic(name);
  };
  const openMessageTopic = (): Promise<TopicHandle> => openControlTopic('message', messageTopic(naming));
  const boundaries =
    order === undefined
      ? undefined
      : new TransactionBoundaries({
          order,
          serde,
          changes,
          openTopic: () => openControlTopic('transaction', transactionTopic(naming, options.events.transactionTopic)),
        });
  const heartbeat = createHeartbeat(deps, hooks, {
    info,
    serde,
    changes,
    publisher,
    openTopic: () => openControlTopic('heartbeat', heartbeatTopic(naming, options.events.heartbeat)),
  });
  const parts = { sql, kafka, publisher, filter, info, serde, types, plans, changes, boundaries, heartbeat };
  return { ...deps, ...parts, openMessageTopic, fence, signal: hooks.signal };
}

function countingRefusals(table: TableSerde, live: LiveState): TableSerde {
  return {
    serializer: table.serializer,
    openKey: () => live.countRefusals(table.openKey()),
    openValue: () => live.countRefusals(table.openValue()),
  };
}

function createCatalog(deps: TaskDeps, parts: Pick<TaskContext, 'sql' | 'types' | 'signal'>): RelationFacts {
  const { clock, log, live, options } = deps;
  const onDescribed = (table: TableDescription): void => tellOnce(deps, 'table.key_misleading', misleadingKeys(table, options));
  const onTrouble = (trouble: SlotlineError | undefined): void => {
    live.catalogTrouble = trouble;
  };
  const onStale = (stale: StaleLabels): void => tellOnce(deps, 'table.enum_misleading', [misleadingLabels(stale)]);
  const onStaleLabels = options.events.valueCorrections.has('enums') ? undefined : onStale;
  return new RelationFacts({ ...parts, clock, log, onTrouble, onDescribed, onStaleLabels, waitMsMax: CATALOG_WAIT_MS });
}

type DeadLetterParts = {
  readonly failures: ConversionFailures;
  readonly out: ByteWriter;
  readonly facts: EventFacts;
  readonly contextHeaders: readonly Header[];
  readonly openTopic: (name: string) => Promise<TopicHandle>;
};

function createDeadLetters(deps: TaskDeps, parts: DeadLetterParts): DeadLetters | undefined {
  const { out, facts, contextHeaders, openTopic, failures } = parts;
  const { options, log, version } = deps;
  const { events, database } = options;
  const { deadLetters } = events;
  if (deadLetters === undefined) return undefined;
  const constants = { version, name: events.topicPrefix, db: database.dbname };
  const onFailure = (failure: ConversionFailure): void => failures.report(failure);
  return new DeadLetters({
    serde: new JsonSerde(deadLetterFormat(events.binaryHandlingMode), constants, facts, onFailure, out),
    openTopic: () => openTopic(deadLetterTopic(topicNaming(events), deadLetters)),
    options,
    taskId: TASK_ID,
    contextHeaders,
    log,
  });
}

type HeartbeatParts = Pick<ConstructorParameters<typeof Heartbeat>[0], 'info' | 'serde' | 'changes' | 'publisher' | 'openTopic'>;

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

type SerdeParts = { readonly facts: EventFacts; readonly failures: ConversionFailures; readonly signal: AbortSignal };

function createSerde(deps: TaskDeps, { facts, failures, signal }: SerdeParts): TaskSerde {
  const { options, log, version, random, live } = deps;
  const { events, database } = options;
  return createTaskSerde({
    options,
    constants: { version, name: events.topicPrefix, db: database.dbname },
    facts,
    onFailure: (failure) => failures.report(failure),
    registry: {
      random,
      onRetry: (error, attempt, question) => {
        log.warn('registry.retry', { code: error.code, ...error.details, attempt });
        live.onRegistryRetry(error, question);
      },
      onAnswered: (question) => live.onRegistryAnswered(question),
    },
    signal,
  });
}

/** Of streaming; a snapshot's differ in `modes.phase`. */
export function planSettings({ events }: ResolvedOptions, filter: TableFilter): PlanSettings {
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
