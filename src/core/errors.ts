/**
 * Owns every operating error: one table from code to retry policy and remedy, and the class that carries a code.
 * Does not decide when to retry: pipeline/life/connector-state.ts does, from `retry`.
 *
 * Details never hold a cell value, a key or a secret: names, positions, sizes and codes only.
 */

type RetryPolicy = 'auto' | 'manual' | 'never';

/** What heals a refusal of a server: time alone, another try (asking again, splitting, reopening), or a person. Each system has a table of its codes. */
export type Healing = 'alone' | 'again' | 'person';

type ErrorEntry = { readonly retry: RetryPolicy; readonly what: string; readonly remedy: string };

/**
 * `auto`: retried with backoff. `manual`: ends the process at start, retried once running, because a person has to act.
 * `never`: ends the process whenever it appears.
 */
export const ERROR_TABLE = {
  config_invalid: { retry: 'never', what: 'The configuration has problems', remedy: 'Mend each line named; docs/options.md lists every option.' },
  config_unreadable: { retry: 'never', what: 'The config file cannot be read', remedy: 'Check the path and that the file is one JSON object.' },
  usage: { retry: 'never', what: 'The command line is wrong', remedy: 'See slotline --help.' },

  pg_unreachable: { retry: 'auto', what: 'PostgreSQL cannot be reached', remedy: 'Check database.hostname, database.port and that the server is up.' },
  pg_authentication_failed: { retry: 'manual', what: 'PostgreSQL refused the login', remedy: 'Check database.user, database.password and pg_hba.conf (a replication connection needs a line for the database).' },
  pg_database_missing: { retry: 'manual', what: 'The database does not exist', remedy: 'Check database.dbname.' },
  pg_tls_failed: { retry: 'manual', what: 'The TLS connection to PostgreSQL failed', remedy: 'Check database.sslmode, database.sslrootcert, database.sslcert and database.sslkey.' },
  pg_connection_lost: { retry: 'auto', what: 'The connection to PostgreSQL broke', remedy: 'Slotline reconnects by itself.' },
  pg_connections_exhausted: { retry: 'auto', what: 'PostgreSQL takes no more connections', remedy: 'Raise max_connections or the connection limit of the role or database, or end unused sessions.' },
  pg_shutting_down: { retry: 'auto', what: 'PostgreSQL is shutting down or starting up', remedy: 'Slotline reconnects by itself.' },
  pg_query_failed: { retry: 'auto', what: 'A query failed', remedy: 'See sqlState and message.' },
  pg_silent: { retry: 'auto', what: 'PostgreSQL does not answer a question to its catalog', remedy: 'Slotline opens another connection by itself after 30 s, or database.query.timeout.ms where that is less; check the network, whether the server hangs, and whether somebody holds a lock on a captured table (pg_locks).' },
  pg_link_silent: { retry: 'auto', what: 'PostgreSQL has rows of the snapshot to send, and not one byte arrives', remedy: 'Slotline takes the snapshot again by itself on another connection after 30 s, or database.query.timeout.ms where that is less; check the network, its firewalls and proxies between the two.' },
  pg_catalog_behind: {
    retry: 'auto',
    what: 'The stream has a transaction that changes a table, and no session sees it yet',
    remedy: 'Its commit waits for a synchronous standby: pg_stat_activity shows it with wait_event SyncRep. Bring the standby back, or change synchronous_standby_names; Slotline goes on by itself.',
  },
  pg_query_refused: { retry: 'manual', what: 'PostgreSQL refused a query, and would again', remedy: 'See sqlState and message: a statement of the configuration, a right, a read-only server or a trigger.' },
  pg_resources_exhausted: { retry: 'auto', what: 'PostgreSQL has no room or memory left', remedy: 'Make room on its disk, or give it memory; Slotline goes on by itself.' },
  pg_storage_failed: { retry: 'manual', what: 'PostgreSQL cannot read or write its files, or finds them corrupted', remedy: 'See sqlState and message, and the log of the server.' },
  pg_version_unsupported: { retry: 'never', what: 'This PostgreSQL version is not supported', remedy: 'Slotline reads PostgreSQL 14 to 18.' },
  pg_encoding_unsupported: { retry: 'never', what: 'The encoding of the database does not say which characters its bytes are, or has no way to UTF8', remedy: 'Slotline needs a database in UTF8 or an encoding that the server converts to it, such as LATIN1: all but SQL_ASCII and MULE_INTERNAL.' },
  pg_text_untranslatable: {
    retry: 'never',
    what: 'A value holds bytes that are no characters of the encoding of the database, or have none in UTF8',
    remedy: 'The server cannot send it as UTF8. In a snapshot: mend the row. In the stream: mend the row, leave the slot behind (drop it) and take a new snapshot (snapshot.mode=when_needed).',
  },
  pg_privilege_missing: { retry: 'manual', what: 'The role lacks a privilege', remedy: 'Run the SQL that `slotline check` prints.' },
  wal_level_not_logical: { retry: 'manual', what: 'wal_level is not logical', remedy: "Run: alter system set wal_level = 'logical'; then restart PostgreSQL." },
  replication_slots_exhausted: { retry: 'manual', what: 'No replication slot is left', remedy: 'Raise max_replication_slots and restart PostgreSQL, or drop an unused slot.' },
  wal_senders_exhausted: { retry: 'auto', what: 'No WAL sender is left', remedy: 'Raise max_wal_senders and restart PostgreSQL.' },
  slot_in_use: { retry: 'auto', what: 'The replication slot is in use by another process', remedy: 'Slotline waits as a hot standby and takes over when the other ends.' },
  slot_missing: { retry: 'manual', what: 'The replication slot does not exist', remedy: 'Take a new snapshot, which makes the slot (snapshot.mode=when_needed). A slot made by hand begins where it is made: what was written before is missing, and the start says so (slot_gap).' },
  slot_gap: { retry: 'never', what: 'The slot stands behind changes that were never delivered: it was advanced or made anew', remedy: 'Set snapshot.mode=when_needed for a new snapshot, which brings the rows as they are. To go on without what lies between, set slotline.slot.accept to what `accept` says.' },
  server_changed: {
    retry: 'never',
    what: 'This is not the database, or not the history of it, that was read',
    remedy: 'Check database.hostname. If this is the server to go on with, set snapshot.mode=when_needed for a new snapshot; or, where nothing was written that is missing, slotline.slot.accept to what `accept` says.',
  },
  slot_lost: { retry: 'never', what: 'The server removed WAL that the slot still needs', remedy: 'Drop the slot and take a new snapshot (snapshot.mode=when_needed); raise max_slot_wal_keep_size.' },
  slot_not_ready: { retry: 'auto', what: 'The replication slot cannot be used at this moment', remedy: 'Slotline asks the server again by itself: a slot that is lost or cannot be used is named then.' },
  slot_unsuitable: { retry: 'never', what: 'The replication slot cannot be used', remedy: 'It must be logical, of plugin pgoutput and of this database: drop it or choose another slot.name.' },
  publication_missing: { retry: 'manual', what: 'The publication does not exist', remedy: 'Create it, or set publication.autocreate.mode to filtered or all_tables.' },
  publication_incomplete: { retry: 'manual', what: 'The publication does not cover every captured table', remedy: 'alter publication … add table …; `slotline check` prints it.' },
  publication_unsuitable: { retry: 'never', what: 'The publication cannot be changed as asked', remedy: 'A publication for all tables cannot be narrowed: drop it or choose another publication.name.' },
  publication_gap: {
    retry: 'never',
    what: 'The publication did not exist when a change was made that the slot still has to decode, and PostgreSQL before 18 cannot read past it',
    remedy: "Make the publication again if it is gone, drop the slot (select pg_drop_replication_slot('…')) and start with snapshot.mode=when_needed.",
  },
  source_changed: {
    retry: 'never',
    what: 'The source was changed while it was read, and rows are or may be missing',
    remedy: 'Put the publication right, then start once with snapshot.mode=always and snapshot.include.collection.list naming the tables; slotline.source.changed.action=warn goes on without (docs/operating.md).',
  },
  partitions_not_captured: {
    retry: 'never',
    what: 'Changes of a table of the config would come under a name that is not captured',
    remedy: 'List the partitions beside the partitioned table, or set publish.via.partition.root=true; `slotline check` prints the SQL for a publication that is there. slotline.allow.loss=true goes on without the changes, as Debezium does.',
  },
  guardrail_exceeded: { retry: 'never', what: 'More tables are captured than guardrail.collections.max allows', remedy: 'Narrow the include lists, or raise the limit.' },
  table_none_captured: { retry: 'never', what: 'No table is captured', remedy: 'Check the include and exclude lists.' },
  key_column_missing: { retry: 'never', what: 'A key column does not exist', remedy: 'Check message.key.columns: no captured table that the entry matches has the column.' },
  select_override_failed: { retry: 'manual', what: 'The SELECT that stands for a table in the snapshot cannot be used', remedy: 'Check snapshot.select.statement.overrides.' },
  field_name_collision: { retry: 'never', what: 'Two columns of a table become one field', remedy: 'Exclude one of them, rename it, or set field.name.adjustment.mode=avro_unicode.' },
  string_key_bytes: { retry: 'never', what: 'A key as text cannot show a column of bytes: keys would be told apart no more', remedy: 'Set binary.handling.mode=base64 or decimal.handling.mode=string, choose other columns by message.key.columns, or another key.converter.' },
  topic_name_collision: { retry: 'never', what: 'More than one source maps to one topic', remedy: 'Exclude one of the tables or rename it, or choose another name for the topic beside it.' },

  stream_frame_unknown: { retry: 'never', what: 'The replication stream holds a frame that Slotline does not know', remedy: 'Report it with tag, offset and LSN.' },
  pgoutput_malformed: { retry: 'never', what: 'A pgoutput message is malformed', remedy: 'Report it with tag, offset and LSN.' },
  stream_silent: { retry: 'auto', what: 'The server has not answered for too long', remedy: 'Slotline reconnects by itself; check the network.' },
  stream_ended: { retry: 'auto', what: 'The server ended the replication stream', remedy: 'Slotline reconnects by itself.' },
  lsn_out_of_range: { retry: 'never', what: 'An LSN is above 2^53', remedy: 'Slotline holds positions up to 200000/0.' },
  lsn_malformed: { retry: 'never', what: 'An LSN cannot be read', remedy: 'Report it.' },
  value_not_convertible: { retry: 'never', what: 'A value cannot be converted', remedy: 'See table, column and type: slotline.values.corrections mends some (docs/compatibility.md); exclude the column to go on without it.' },

  kafka_unreachable: { retry: 'auto', what: 'Kafka cannot be reached', remedy: 'Check bootstrap.servers and that a broker is up.' },
  kafka_authentication_failed: { retry: 'manual', what: 'Kafka refused the login', remedy: 'Check security.protocol, sasl.mechanism and the credentials.' },
  kafka_tls_failed: { retry: 'manual', what: 'The TLS connection to Kafka failed', remedy: 'Check security.protocol and the ssl.* options.' },
  kafka_unauthorized: { retry: 'manual', what: 'Kafka refused access', remedy: 'Grant the principal Write, Describe and Create on the topic (and IdempotentWrite on brokers before 2.8).' },
  kafka_topic_missing: { retry: 'manual', what: 'The topic does not exist and cannot be created', remedy: 'Create the topic, or set topic.creation.enable=true and grant Create.' },
  kafka_topic_invalid: { retry: 'manual', what: 'Kafka refused the topic', remedy: 'Check topic.prefix and topic.creation.*.' },
  kafka_topic_changed: { retry: 'auto', what: 'The topic was deleted and came back with another number of partitions', remedy: 'Slotline goes back to the last durable position by itself.' },
  kafka_record_invalid: {
    retry: 'never',
    what: 'Kafka refused a record',
    remedy: 'INVALID_RECORD (code 87): a compacted topic takes no record without a key: give the table a primary key, choose one by message.key.columns, or set the topic to cleanup.policy=delete. INVALID_TIMESTAMP (code 32): set the clocks right, or widen message.timestamp.before.max.ms and after.max.ms of the topic.',
  },
  kafka_record_too_large: { retry: 'never', what: 'A record is larger than the topic takes', remedy: 'Raise max.message.bytes of the topic and producer.max.request.size.' },
  kafka_delivery_timeout: { retry: 'auto', what: 'Kafka did not acknowledge within producer.delivery.timeout.ms', remedy: 'Slotline goes back to the last durable position by itself; check the brokers.' },
  kafka_sequence_broken: { retry: 'auto', what: 'A broker lost the sequence state of this producer', remedy: 'Slotline goes back to the last durable position by itself.' },
  kafka_request_failed: { retry: 'auto', what: 'Kafka could not answer a request', remedy: 'See the error name that Kafka gave; Slotline asks again by itself.' },
  kafka_request_refused: { retry: 'manual', what: 'Kafka refused a request', remedy: 'See the error name that Kafka gave, and docs/errors.md.' },
  kafka_reply_incomplete: { retry: 'auto', what: "A broker's reply does not cover what was sent", remedy: 'Slotline goes back to the last durable position by itself.' },
  avro_name_invalid: { retry: 'never', what: 'Avro cannot hold a name', remedy: 'Set field.name.adjustment.mode=avro and schema.name.adjustment.mode=avro, or scrub.invalid.names=true for the converter.' },
  protobuf_schema_invalid: { retry: 'never', what: 'Protobuf cannot hold a name or a type of a table', remedy: 'For names set field.name.adjustment.mode=avro and schema.name.adjustment.mode=avro, or scrub.invalid.names=true for the converter; exclude a column whose type is named.' },
  registry_unreachable: { retry: 'auto', what: 'The schema registry cannot be reached', remedy: 'Check schema.registry.url and that the registry is up; Slotline goes on by itself.' },
  registry_tls_failed: { retry: 'manual', what: 'The TLS connection to the schema registry failed', remedy: 'Check schema.registry.url and the schema.registry.ssl.* options of the converter.' },
  registry_unauthorized: { retry: 'manual', what: 'The schema registry refused access', remedy: 'Check basic.auth.user.info, bearer.auth.token and what the principal may do with the subject.' },
  transform_failed: { retry: 'never', what: 'A transform cannot be applied to a record', remedy: 'Mend the transform that is named: the field, its type, or a predicate that keeps such records away from it.' },
  registry_incompatible: { retry: 'manual', what: 'The schema registry refused the schema as incompatible', remedy: "Change the subject's compatibility level, or register a schema that fits; the fields that differ are named." },
  registry_invalid_schema: { retry: 'never', what: 'The schema registry refused the schema as invalid', remedy: 'Check names: schema.name.adjustment.mode and field.name.adjustment.mode make them valid.' },
  registry_schema_missing: { retry: 'manual', what: 'The schema registry does not have the schema', remedy: 'Register it, or set auto.register.schemas=true.' },
  registry_data_lost: { retry: 'auto', what: 'The schema registry does not know a schema any more that it had registered, or gives it another id', remedy: 'Restore the registry from its backup: records in Kafka name the ids of before. Slotline registers its schemas again and goes on.' },
  registry_refused: { retry: 'manual', what: 'The schema registry does not take the schema now', remedy: 'See status, errorCode and message: subject or registry may be read-only (mode READONLY), or the schema too large for it or a proxy.' },
  registry_bad_answer: { retry: 'manual', what: 'The answer of the schema registry cannot be understood', remedy: 'Check that schema.registry.url is the address of a schema registry.' },
  offsets_unreadable: { retry: 'never', what: 'The stored offset cannot be read', remedy: 'Check offset.storage.topic.' },

  fenced: { retry: 'auto', what: 'This process was suspended for longer than the server waits; another may have taken the slot', remedy: 'Slotline reconnects and continues from the confirmed position.' },
  http_unavailable: { retry: 'never', what: 'The port for health and metrics cannot be opened', remedy: 'Set slotline.http.port to a free port, and slotline.http.host to an address of this machine.' },
  start_timeout: { retry: 'never', what: 'The start did not succeed within slotline.start.timeout', remedy: 'See the cause; raise slotline.start.timeout to wait longer.' },
  stop_timeout: { retry: 'never', what: 'Records in flight were not acknowledged within the stop deadline', remedy: 'Nothing unacknowledged was confirmed; the next start sends it again.' },
  unexpected: { retry: 'never', what: 'An unexpected error', remedy: 'Please report it.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_TABLE;
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** An operating error: what, where (details), remedy. `message` is one line and safe to print. */
export class SlotlineError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** Overrides the code's entry in the table: a remedy with the names filled in, or another retry policy for this one case. */
  readonly #policy: { readonly retry?: RetryPolicy; readonly remedy?: string | undefined };

  constructor(code: ErrorCode, details: ErrorDetails = {}, options: { cause?: unknown; retry?: RetryPolicy; remedy?: string | undefined } = {}) {
    super(formatMessage(code, details), options);
    this.#policy = options;
    this.name = 'SlotlineError';
    this.code = code;
    this.details = details;
  }

  get retry(): RetryPolicy {
    return this.#policy.retry ?? ERROR_TABLE[this.code].retry;
  }

  get remedy(): string {
    return this.#policy.remedy ?? ERROR_TABLE[this.code].remedy;
  }
}

/** Any thrown thing as a SlotlineError; what is not one becomes `unexpected` with the original as cause. */
export function toSlotlineError(error: unknown): SlotlineError {
  if (error instanceof SlotlineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SlotlineError('unexpected', { message }, { cause: error });
}

function formatMessage(code: ErrorCode, details: ErrorDetails): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(details)) {
    if (value !== undefined) parts.push(`${key}=${Array.isArray(value) ? value.join(', ') : String(value)}`);
  }
  return parts.length === 0 ? ERROR_TABLE[code].what : `${ERROR_TABLE[code].what}: ${parts.join(', ')}`;
}
