/**
 * Owns the plain type of the resolved options: what config/ produces and every other folder is handed. Holds no rule;
 * config/table/options.ts has the table with names, defaults and reasons.
 */

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export type DatabaseOptions = {
  /** A host name, an IPv4 or IPv6 literal (without brackets), or an absolute path: the folder of a Unix socket. */
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly dbname: string;
  readonly sslMode: SslMode;
  /** Paths of PEM files. */
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly sslPassword: string | undefined;
  readonly sslRootCert: string | undefined;
  readonly tcpKeepAlive: boolean;
  readonly initialStatements: readonly string[];
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
};

export type SlotOptions = {
  readonly name: string;
  readonly dropOnStop: boolean;
  readonly failover: boolean;
  /** slotline.slot.accept: the one place at which we take the slot although it is not where we left it, or belongs to another connector. */
  readonly accept: string | undefined;
  /** offset.mismatch.strategy=trust_slot: a gap is told, not refused. */
  readonly trusted: boolean;
  /** lsn.flush.mode=connector: the Debezium that used the slot before us confirmed only positions that it had stored. */
  readonly confirmsStored: boolean;
  /** 0: source.xmin is null. */
  readonly xminFetchIntervalMs: number;
  readonly streamParams: readonly (readonly [string, string])[];
};

/** slotline.catchup.*: reading a backlog in bulk. */
type CatchUpOptions = {
  readonly enabled: boolean;
  /** From this much WAL on. */
  readonly thresholdBytes: number;
  /** WAL of the largest slice, which the server holds in a temporary file. */
  readonly sliceBytesMax: number;
};

/** One item of replica.identity.autoset.values: a pattern of `schema.table` and what its tables get. */
export type ReplicaIdentityRule = {
  readonly table: string;
  readonly identity: { readonly tag: 'default' | 'full' | 'nothing' } | { readonly tag: 'index'; readonly index: string };
};

export type PublicationOptions = {
  readonly name: string;
  readonly autocreateMode: 'disabled' | 'all_tables' | 'filtered' | 'no_tables';
  readonly viaPartitionRoot: boolean;
  /** A table that more than one matches keeps what it has, as in Debezium. */
  readonly replicaIdentities: readonly ReplicaIdentityRule[];
};

/** Regular expressions as given (anchored and case-insensitive when compiled by events/filter.ts). At most one of each pair is non-empty. */
export type FilterOptions = {
  readonly schemaInclude: readonly string[];
  readonly schemaExclude: readonly string[];
  readonly tableInclude: readonly string[];
  readonly tableExclude: readonly string[];
  readonly columnInclude: readonly string[];
  readonly columnExclude: readonly string[];
  readonly tableIgnoreBuiltin: boolean;
};

/** guardrail.collections.*: how many captured tables are too many, and what is done then. 0: any number is fine. */
type GuardrailOptions = { readonly tablesMax: number; readonly action: 'warn' | 'fail' };

/** One `column.*` option that changes values or schemas. The first that matches a column wins, in Debezium's order of kinds. */
export type ColumnRule = {
  readonly change:
    | { readonly tag: 'truncate'; readonly length: number }
    | { readonly tag: 'mask'; readonly length: number }
    /** `v1` hashes the Java-serialised text, `v2` its UTF-8 bytes; algorithm as Java's MessageDigest names it. */
    | { readonly tag: 'hash'; readonly version: 'v1' | 'v2'; readonly algorithm: string; readonly salt: string }
    | { readonly tag: 'propagateColumn' }
    | { readonly tag: 'propagateDatatype' };
  /** Patterns of `schema.table.column`; for propagateDatatype of `schema.table.type`. */
  readonly patterns: readonly string[];
};

/** slotline.values.corrections: what can be mended where Debezium is plainly broken. docs/compatibility.md describes each. */
export const VALUE_CORRECTIONS = [
  'toast-placeholders',
  'numerics',
  'dates-and-times',
  'names',
  'arrays',
  'keys',
  'snapshots',
  'enums',
] as const;
export type ValueCorrection = (typeof VALUE_CORRECTIONS)[number];

export type NameAdjustment = 'none' | 'avro' | 'avro_unicode';

type HeartbeatOptions = {
  /** 0: none are sent. */
  readonly intervalMs: number;
  readonly topicPrefix: string;
  /** Wins over the prefix. */
  readonly topicName: string | undefined;
  readonly actionQuery: string | undefined;
};

/** slotline.schema.incompatible.action=dlq. */
export type DeadLetterOptions = {
  /** Undefined: the name is made from the topic prefix. */
  readonly topicName: string | undefined;
};

export type EventOptions = {
  readonly topicPrefix: string;
  readonly topicDelimiter: string;
  /** message.key.columns: each a table pattern (`schema.table` regex) and columns in order. */
  readonly keyColumns: readonly { readonly table: string; readonly columns: readonly string[] }[];
  readonly tombstonesOnDelete: boolean;
  readonly skippedOperations: ReadonlySet<'c' | 'u' | 'd' | 't'>;
  /** True when skipped.operations was written in the config: it then also limits an auto-created publication. */
  readonly skippedOperationsGiven: boolean;
  readonly extendedHeaders: boolean;
  readonly decimalHandlingMode: 'precise' | 'double' | 'string';
  readonly timePrecisionMode: 'adaptive' | 'adaptive_time_microseconds' | 'connect' | 'isostring' | 'microseconds' | 'nanoseconds';
  readonly intervalHandlingMode: 'numeric' | 'string';
  readonly binaryHandlingMode: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  readonly hstoreHandlingMode: 'json' | 'map';
  readonly moneyFractionDigits: number;
  readonly includeUnknownDatatypes: boolean;
  readonly unavailableValuePlaceholder: string;
  readonly valueCorrections: ReadonlySet<ValueCorrection>;
  /** event.converting.failure.handling.mode. */
  readonly conversionFailure: 'skip' | 'warn' | 'fail';
  readonly columnRules: readonly ColumnRule[];
  readonly schemaNameAdjustment: NameAdjustment;
  readonly fieldNameAdjustment: NameAdjustment;
  /** skip.messages.without.change. */
  readonly skipUnchanged: boolean;
  readonly transactionMetadata: boolean;
  /** topic.transaction: the last part of the transaction topic's name. */
  readonly transactionTopic: string;
  readonly heartbeat: HeartbeatOptions;
  /** Rows of a table whose schema the registry refuses go to a topic of their own; undefined: the connector stops at them. */
  readonly deadLetters: DeadLetterOptions | undefined;
  readonly messagePrefixInclude: readonly string[];
  readonly messagePrefixExclude: readonly string[];
};

type JsonConverterOptions = {
  readonly format: 'json';
  readonly schemasEnable: boolean;
  readonly replaceNullWithDefault: boolean;
  readonly decimalFormat: 'BASE64' | 'NUMERIC';
};

/** How a schema registry is reached; the options of a converter. */
export type RegistryOptions = {
  /** Tried in turn; may hold user and password. */
  readonly urls: readonly string[];
  /** `user:password`; wins over those of the address. */
  readonly basicAuth: string | undefined;
  readonly bearerToken: string | undefined;
  /** PEM text. */
  readonly tls: {
    readonly caPem: string | undefined;
    readonly certPem: string | undefined;
    readonly keyPem: string | undefined;
    readonly keyPassword: string | undefined;
    readonly verifyHostname: boolean;
  };
  readonly requestTimeoutMs: number;
  /** How long one call is tried again before the attempt gives up. */
  readonly retryForMs: number;
  readonly cacheMax: number;
  readonly normalizeSchemas: boolean;
};

export type SubjectNameStrategy = 'topic' | 'record' | 'topic_record';

/** What every converter with a schema registry has. */
export type RegisteredConverterOptions = {
  readonly registry: RegistryOptions;
  readonly autoRegister: boolean;
  readonly useLatestVersion: boolean;
  readonly subjectNames: SubjectNameStrategy;
};

export type AvroConverterOptions = RegisteredConverterOptions & {
  readonly format: 'avro';
  readonly connectMetaData: boolean;
  readonly scrubInvalidNames: boolean;
  /** discard.type.doc.default. */
  readonly fieldDocs: boolean;
  /** ignore.default.for.nullables. */
  readonly ignoreDefaults: boolean;
};

type JsonSchemaConverterOptions = RegisteredConverterOptions & {
  readonly format: 'json_schema';
  readonly decimalFormat: 'BASE64' | 'NUMERIC';
  /** object.additional.properties. */
  readonly additionalProperties: boolean;
  /** ignore.default.for.nullables. */
  readonly ignoreDefaults: boolean;
};

type ProtobufConverterOptions = RegisteredConverterOptions & {
  readonly format: 'protobuf';
  readonly scrubInvalidNames: boolean;
  /** optional.for.nullables. */
  readonly optionalForNullables: boolean;
  /** wrapper.for.nullables. */
  readonly wrapperForNullables: boolean;
  /** ignore.default.for.nullables. */
  readonly ignoreDefaults: boolean;
};

/** The encoding of texts. A character that it cannot hold becomes a question mark, as in Java. UTF-16 is big-endian after a byte order mark. */
export type TextEncoding = 'UTF-8' | 'UTF-16' | 'UTF-16BE' | 'UTF-16LE' | 'ISO-8859-1' | 'US-ASCII';

type StringConverterOptions = { readonly format: 'string'; readonly encoding: TextEncoding };

/** Values of type bytes are written as they are, others by `delegate`; undefined: they cannot be written. */
type BytesConverterOptions = { readonly format: 'bytes'; readonly delegate: JsonConverterOptions | StringConverterOptions | undefined };

export type ConverterOptions =
  | BytesConverterOptions
  | JsonConverterOptions
  | AvroConverterOptions
  | JsonSchemaConverterOptions
  | ProtobufConverterOptions
  | StringConverterOptions;

/** One stage of the transform chain, in the order of application. `type` is the full class name; options are as given (defaults are not filled in), with the alias's prefix removed. */
export type TransformOptions = {
  readonly alias: string;
  readonly type: string;
  readonly options: ReadonlyMap<string, string>;
  readonly predicate: PredicateOptions | undefined;
  readonly negate: boolean;
};

export type PredicateOptions = { readonly alias: string; readonly type: string; readonly options: ReadonlyMap<string, string> };

export type SnapshotOptions = {
  readonly mode: 'initial' | 'always' | 'initial_only' | 'no_data' | 'when_needed';
  readonly delayMs: number;
  readonly streamingDelayMs: number;
  readonly lockTimeoutMs: number;
  /** snapshot.include.collection.list; empty means all captured tables. */
  readonly includeCollections: readonly string[];
  /** snapshot.select.statement.overrides: `schema.table` and the SELECT that stands for it. */
  readonly selectOverrides: readonly { readonly table: string; readonly select: string }[];
};

export type SaslOptions = {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** OAUTHBEARER: a fixed token, or the client-credentials grant. */
  readonly token: string | undefined;
  readonly oauthTokenEndpointUrl: string | undefined;
  readonly oauthClientId: string | undefined;
  readonly oauthClientSecret: string | undefined;
  readonly oauthScope: string | undefined;
};

export type KafkaConnectionOptions = {
  readonly bootstrapServers: readonly { readonly host: string; readonly port: number }[];
  readonly clientId: string;
  readonly tls: boolean;
  /** Empty string turns host name verification off, as in Kafka (ssl.endpoint.identification.algorithm). */
  readonly tlsVerifyHostname: boolean;
  /** PEM text (already read from a file where a path was given). */
  readonly tlsCaPem: string | undefined;
  readonly tlsCertPem: string | undefined;
  readonly tlsKeyPem: string | undefined;
  readonly tlsKeyPassword: string | undefined;
  readonly sasl: SaslOptions | undefined;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
};

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export type ProducerOptions = {
  readonly acks: -1 | 0 | 1;
  readonly idempotence: boolean;
  readonly maxInFlightPerConnection: number;
  readonly compression: CompressionType;
  readonly lingerMs: number;
  readonly batchBytesMax: number;
  readonly requestBytesMax: number;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Bound on bytes appended but not acknowledged (producer.buffer.memory / max.queue.size.in.bytes, the smaller). */
  readonly bufferBytesMax: number;
  /** Bound on records appended but not acknowledged (max.queue.size). */
  readonly bufferRecordsMax: number;
};

/** -1: the broker's own default. */
export type TopicCreationGroup = {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly partitions: number | undefined;
  readonly replicationFactor: number | undefined;
  readonly configs: readonly (readonly [string, string])[];
};

export type TopicCreationOptions = {
  readonly enable: boolean;
  readonly default: TopicCreationGroup;
  readonly groups: readonly TopicCreationGroup[];
};

/** What belongs to the connector: how it is tried, told of and watched. No task is handed it, but for the name. */
export type ConnectorOptions = {
  readonly name: string;
  /** slotline.start.timeout: how long the first start may be retried; Infinity waits for ever. */
  readonly startTimeoutMs: number;
  /** errors.max.retries: -1 for ever. */
  readonly retriesMax: number;
  /** retriable.restart.connector.wait.ms: the longest pause between two attempts. */
  readonly retryWaitMaxMs: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** slotline.http.*; undefined: no server for health and metrics. */
  readonly http: HttpOptions | undefined;
};

/** The one task of a connector. Offset key, turn on the slot, headers and live state take it from the task's options. */
export const TASK_ID = '0';

/** What a task is handed: all that an attempt needs, and whose share it reads. */
export type TaskOptions = {
  /** Of its connector. */
  readonly name: string;
  /** Which of the connector's tasks it is. */
  readonly taskId: string;
  readonly database: DatabaseOptions;
  readonly slot: SlotOptions;
  readonly catchUp: CatchUpOptions;
  readonly publication: PublicationOptions;
  /** What is done when the source was changed while it is read, and rows are missing. */
  readonly sourceChangedAction: 'fail' | 'warn';
  readonly filter: FilterOptions;
  /** slotline.allow.loss */
  readonly allowLoss: boolean;
  readonly guardrail: GuardrailOptions;
  readonly events: EventOptions;
  readonly keyConverter: ConverterOptions;
  readonly valueConverter: ConverterOptions;
  readonly transforms: readonly TransformOptions[];
  /** errors.tolerance=all: a record that a transform cannot take is left out. */
  readonly toleratesErrors: boolean;
  readonly snapshot: SnapshotOptions;
  readonly kafka: KafkaConnectionOptions;
  readonly producer: ProducerOptions;
  readonly topicCreation: TopicCreationOptions;
  /** Topic that remembers offsets (offset.storage.topic), its partitions and replication factor. */
  readonly offsetStorage: { readonly topic: string; readonly replicationFactor: number; readonly partitions: number };
  readonly statusUpdateIntervalMs: number;
};

/** A config as a whole: a connector and its one task. Who needs less takes a Pick of either part. */
export type ResolvedOptions = ConnectorOptions & TaskOptions;

export type HttpOptions = {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
};
