/**
 * Owns the resolved options: what the checked values mean together. Pure but for the files and variables that the
 * config names, which come through `environment`. Does not own reading the config file: load.ts.
 */

import { isIPv6 } from 'node:net';
import {
  type ConnectorOptions,
  type DatabaseOptions,
  type DeadLetterOptions,
  type EventOptions,
  type FilterOptions,
  type HttpOptions,
  type NameAdjustment,
  type ResolvedOptions,
  type SlotOptions,
  type SnapshotOptions,
  TASK_ID,
  type TaskOptions,
} from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { type Note, type Problem, problem } from '../problems.ts';
import { parseKeyColumns } from '../table/events.ts';
import { foreignNames } from '../table/names/foreign.ts';
import { parseReplicaIdentities, parseStreamParams } from '../table/slot.ts';
import { resolveCorrections } from '../table/value-corrections.ts';
import { isAvroConverter, resolveConverter } from './converter.ts';
import { resolveKafka, resolveProducer } from './kafka.ts';
import { type ConfigReport, type OptionValues, readValues } from './read-values.ts';
import { resolveColumnRules, resolveSelectOverrides } from './tables.ts';
import { resolveTopicCreation } from './topics.ts';
import { resolveTransforms } from './transforms.ts';
import { type Settings, settingsOf } from './worker.ts';

export type ResolveResult =
  | { readonly tag: 'resolved'; readonly options: ResolvedOptions; readonly notes: readonly Note[] }
  /** Holds all problems at once; nothing was started. */
  | { readonly tag: 'refused'; readonly problems: readonly Problem[]; readonly notes: readonly Note[] };

/** `raw` is Connect's `{"name", "config": {…}}` or the flat map; `workerConfig` the path of a Connect worker's file. Never throws. Of the result only `options` holds secrets. */
export function resolveConfig(
  raw: Readonly<Record<string, unknown>>,
  environment: ConfigEnvironment,
  lines: ReadonlyMap<string, number> = new Map(),
  workerConfig?: string,
): ResolveResult {
  const { flat, problems } = flatten(raw, lines);
  const settings = settingsOf(flat, environment, workerConfig);
  const { values, report } = readValues(settings.flat, { environment, lines, fromWorker: settings.fromWorker });
  tellOfWorker(settings, report);
  const options = resolveOptions(values, report, environment);
  const all = [...problems, ...report.problems];
  return all.length > 0 ? { tag: 'refused', problems: all, notes: report.notes } : { tag: 'resolved', options, notes: report.notes };
}

function tellOfWorker({ withoutConverter, unnamed, problem: fault }: Settings, report: ConfigReport): void {
  if (fault !== undefined) report.add('invalid', 'slotline.worker.config', fault);
  for (const { key, side } of withoutConverter) {
    report.noteUnused(key, `As in Connect it belongs to ${side}.converter, which is not given.`);
  }
  const [first, second] = unnamed;
  if (first === undefined) return;
  const also = second === undefined ? '' : `, nor is ${second}.converter`;
  report.note(
    `${first}.converter`,
    `is not given${also}: JSON with schemas is written. Connect takes it from its worker: name it here, or the worker's file by slotline.worker.config or --worker-config`,
  );
}

/** The members of Connect's REST bodies. */
const BESIDE_CONFIG = ['name', 'config', 'tasks', 'type', 'initial_state'];

function flatten(
  raw: Readonly<Record<string, unknown>>,
  lines: ReadonlyMap<string, number>,
): { flat: Readonly<Record<string, unknown>>; problems: readonly Problem[] } {
  const inner = raw['config'];
  if (!isObject(inner)) return { flat: raw, problems: [] };
  const strays = Object.keys(raw).filter((key) => !BESIDE_CONFIG.includes(key) && foreignNames(key) === undefined);
  const problems = strays.map((key) => problem('unknown', key, 'stands beside config: move it into it', { line: lines.get(key) }));
  const name = raw['name'];
  return { flat: name === undefined ? inner : { name, ...inner }, problems };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolveOptions(values: OptionValues, report: ConfigReport, environment: ConfigEnvironment): ResolvedOptions {
  const name = values.optional('name') ?? values.text('topic.prefix');
  const task = resolveTask(values, report, { name, taskId: TASK_ID, environment });
  return { ...task, ...resolveConnector(values, report, name) };
}

function resolveConnector(values: OptionValues, report: ConfigReport, name: string): ConnectorOptions {
  return {
    name,
    startTimeoutMs: values.durationMs('slotline.start.timeout'),
    retriesMax: values.integer('errors.max.retries'),
    retryWaitMaxMs: values.integer('retriable.restart.connector.wait.ms'),
    logLevel: values.oneOf('slotline.log.level', ['debug', 'info', 'warn', 'error']),
    http: resolveHttp(values, report),
  };
}

function resolveTask(
  values: OptionValues,
  report: ConfigReport,
  { name, taskId, environment }: { readonly name: string; readonly taskId: string; readonly environment: ConfigEnvironment },
): TaskOptions {
  return {
    name,
    taskId,
    database: resolveDatabase(values),
    slot: resolveSlot(values),
    catchUp: {
      enabled: values.oneOf('slotline.catchup.mode', ['auto', 'off']) === 'auto',
      thresholdBytes: values.integer('slotline.catchup.threshold.bytes'),
      sliceBytesMax: values.integer('slotline.catchup.max.chunk.bytes'),
    },
    publication: {
      name: values.text('publication.name'),
      autocreateMode: values.oneOf('publication.autocreate.mode', ['disabled', 'all_tables', 'filtered', 'no_tables']),
      viaPartitionRoot: values.flag('publish.via.partition.root'),
      replicaIdentities: parseReplicaIdentities(values.text('replica.identity.autoset.values')) ?? [],
    },
    sourceChangedAction: values.oneOf('slotline.source.changed.action', ['fail', 'warn']),
    filter: resolveFilter(values, report),
    allowLoss: values.flag('slotline.allow.loss'),
    guardrail: {
      tablesMax: values.integer('guardrail.collections.max'),
      action: values.oneOf('guardrail.collections.limit.action', ['warn', 'fail']),
    },
    events: resolveEvents(values, report),
    keyConverter: resolveConverter(values, report, { environment, side: 'key' }),
    valueConverter: resolveConverter(values, report, { environment, side: 'value' }),
    transforms: resolveTransforms(values, report),
    toleratesErrors: values.oneOf('errors.tolerance', ['none', 'all']) === 'all',
    snapshot: resolveSnapshot(values, report),
    kafka: resolveKafka(values, report, environment),
    producer: resolveProducer(values, report),
    topicCreation: resolveTopicCreation(values, report),
    offsetStorage: {
      topic: values.text('offset.storage.topic'),
      replicationFactor: values.integer('offset.storage.replication.factor'),
      partitions: values.integer('offset.storage.partitions'),
    },
    statusUpdateIntervalMs: values.integer('status.update.interval.ms'),
  };
}

function resolveHttp(values: OptionValues, report: ConfigReport): HttpOptions | undefined {
  const host = bareHost(values.text('slotline.http.host'));
  if (values.given('slotline.http.port')) return { host, port: values.integer('slotline.http.port') };
  if (values.given('slotline.http.host')) report.note(values.keyOf('slotline.http.host'), 'has no effect without slotline.http.port');
  return undefined;
}

function resolveDatabase(values: OptionValues): DatabaseOptions {
  return {
    hostname: bareHost(values.text('database.hostname')),
    port: values.integer('database.port'),
    user: values.text('database.user'),
    password: values.optional('database.password'),
    dbname: values.text('database.dbname'),
    sslMode: values.oneOf('database.sslmode', ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']),
    sslCert: values.optional('database.sslcert'),
    sslKey: values.optional('database.sslkey'),
    sslPassword: values.optional('database.sslpassword'),
    sslRootCert: values.optional('database.sslrootcert'),
    tcpKeepAlive: values.flag('database.tcpKeepAlive'),
    initialStatements: splitStatements(values.text('database.initial.statements')),
    connectTimeoutMs: values.integer('database.connection.timeout.ms'),
    queryTimeoutMs: values.integer('database.query.timeout.ms'),
  };
}

function bareHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return isIPv6(bare) ? bare : host;
}

/** Splits at semicolons. Two semicolons stand for one inside a statement. */
export function splitStatements(text: string): string[] {
  const parts = text.split(/;;|;/);
  const separators = text.match(/;;|;/g) ?? [];
  const statements: string[] = [];
  let statement = parts[0] ?? '';
  separators.forEach((separator, index) => {
    const next = parts[index + 1] ?? '';
    if (separator === ';;') {
      statement += `;${next}`;
      return;
    }
    statements.push(statement);
    statement = next;
  });
  statements.push(statement);
  return statements.map((each) => each.trim()).filter((each) => each !== '');
}

function resolveSlot(values: OptionValues): SlotOptions {
  return {
    name: values.text('slot.name'),
    dropOnStop: values.flag('slot.drop.on.stop'),
    failover: values.flag('slot.failover'),
    accept: values.optional('slotline.slot.accept'),
    trusted: values.oneOf('offset.mismatch.strategy', ['no_validation', 'trust_slot']) === 'trust_slot',
    confirmsStored: values.oneOf('lsn.flush.mode', ['connector', 'connector_and_driver']) === 'connector',
    xminFetchIntervalMs: values.integer('xmin.fetch.interval.ms'),
    streamParams: parseStreamParams(values.text('slot.stream.params')) ?? [],
  };
}

function resolveFilter(values: OptionValues, report: ConfigReport): FilterOptions {
  for (const what of ['schema', 'table', 'column']) rejectBoth(what, values, report);
  return {
    schemaInclude: values.list('schema.include.list'),
    schemaExclude: values.list('schema.exclude.list'),
    tableInclude: values.list('table.include.list'),
    tableExclude: values.list('table.exclude.list'),
    columnInclude: values.list('column.include.list'),
    columnExclude: values.list('column.exclude.list'),
    tableIgnoreBuiltin: values.flag('table.ignore.builtin'),
  };
}

function rejectBoth(what: string, values: OptionValues, report: ConfigReport): void {
  const include = `${what}.include.list`;
  const exclude = `${what}.exclude.list`;
  if (values.given(include) && values.given(exclude)) report.add('invalid', values.keyOf(exclude), `"${include}" is already specified`);
}

function resolveEvents(values: OptionValues, report: ConfigReport): EventOptions {
  rejectBoth('message.prefix', values, report);
  const skipped = values.list('skipped.operations');
  return {
    topicPrefix: values.text('topic.prefix'),
    topicDelimiter: values.text('topic.delimiter'),
    keyColumns: parseKeyColumns(values.text('message.key.columns')) ?? [],
    tombstonesOnDelete: values.flag('tombstones.on.delete'),
    skippedOperations: new Set((['c', 'u', 'd', 't'] as const).filter((each) => skipped.includes(each))),
    skippedOperationsGiven: values.given('skipped.operations'),
    extendedHeaders: values.flag('extended.headers.enabled'),
    decimalHandlingMode: values.oneOf('decimal.handling.mode', ['precise', 'double', 'string']),
    timePrecisionMode: values.oneOf('time.precision.mode', [
      'adaptive',
      'adaptive_time_microseconds',
      'connect',
      'isostring',
      'microseconds',
      'nanoseconds',
    ]),
    intervalHandlingMode: values.oneOf('interval.handling.mode', ['numeric', 'string']),
    binaryHandlingMode: values.oneOf('binary.handling.mode', ['bytes', 'base64', 'base64-url-safe', 'hex']),
    hstoreHandlingMode: values.oneOf('hstore.handling.mode', ['json', 'map']),
    moneyFractionDigits: values.integer('money.fraction.digits'),
    includeUnknownDatatypes: values.flag('include.unknown.datatypes'),
    unavailableValuePlaceholder: values.text('unavailable.value.placeholder'),
    valueCorrections: resolveCorrections(values.list('slotline.values.corrections')),
    conversionFailure: values.oneOf('event.converting.failure.handling.mode', ['skip', 'warn', 'fail']),
    columnRules: resolveColumnRules(values, report),
    schemaNameAdjustment: values.oneOf('schema.name.adjustment.mode', ['none', 'avro', 'avro_unicode']),
    fieldNameAdjustment: fieldNameAdjustment(values),
    skipUnchanged: values.flag('skip.messages.without.change'),
    transactionMetadata: values.flag('provide.transaction.metadata'),
    transactionTopic: values.text('topic.transaction'),
    heartbeat: {
      intervalMs: values.integer('heartbeat.interval.ms'),
      topicPrefix: values.text('topic.heartbeat.prefix'),
      topicName: values.optional('topic.heartbeat.name'),
      actionQuery: values.optional('heartbeat.action.query'),
    },
    deadLetters: values.oneOf('slotline.schema.incompatible.action', ['fail', 'dlq']) === 'dlq' ? deadLetters(values) : undefined,
    messagePrefixInclude: values.list('message.prefix.include.list'),
    messagePrefixExclude: values.list('message.prefix.exclude.list'),
  };
}

function deadLetters(values: OptionValues): DeadLetterOptions {
  return { topicName: values.optional('slotline.schema.incompatible.dlq.topic') };
}

/** As in Debezium: where keys or values are Avro, the names of fields are adjusted to Avro, unless another adjustment is asked for. */
function fieldNameAdjustment(values: OptionValues): NameAdjustment {
  const mode = values.oneOf('field.name.adjustment.mode', ['none', 'avro', 'avro_unicode']);
  const isAvro = isAvroConverter(values.text('key.converter')) || isAvroConverter(values.text('value.converter'));
  return mode === 'none' && isAvro ? 'avro' : mode;
}

function resolveSnapshot(values: OptionValues, report: ConfigReport): SnapshotOptions {
  return {
    mode: values.oneOf('snapshot.mode', ['initial', 'always', 'initial_only', 'no_data', 'when_needed']),
    delayMs: values.integer('snapshot.delay.ms'),
    streamingDelayMs: values.integer('streaming.delay.ms'),
    lockTimeoutMs: values.integer('snapshot.lock.timeout.ms'),
    includeCollections: values.list('snapshot.include.collection.list'),
    selectOverrides: resolveSelectOverrides(values, report),
  };
}
