/**
 * Owns the prose of docs/compatibility.md: what a user of Debezium may notice that no table of the program tells, each with its reason.
 * Differences in recorded events are in test/golden/replay-differences.ts, those of options in the option table.
 */
import type { ValueCorrection } from '../src/core/options.ts';
import { TRANSFORM_NOTES } from './transforms-page.ts';

type Note = { readonly debezium: string; readonly here: string; readonly why: string };
type NoteTopic = { readonly title: string; readonly notes: readonly Note[] };

const EVENTS: readonly Note[] = [
  { debezium: "`source.version` is Debezium's version.", here: "Slotline's.", why: 'It names the program that read the change.' },
  {
    debezium:
      'A value without a form in a column that is NOT NULL without a default (NaN in precise mode, unchanged TOAST of a type without a placeholder) fails the task: `Invalid value: null used for required field`.',
    here: 'The connector stops with `value_not_convertible`, which names table, column, type and position, never the value.',
    why: 'A zero in its place would be a lie. `slotline.values.corrections` mends some.',
  },
  {
    debezium: 'A `sparsevec` without a value in a column that is NOT NULL (key change, delete) fails the task.',
    here: '`{"dimensions":0,"vector":[]}`.',
    why: 'Other types have a zero value there too.',
  },
  {
    debezium:
      '`timetz` with an offset in seconds is null in a snapshot and fails the task in the stream. So does a domain over an enum at start.',
    here: 'The right value.',
    why: 'A value that the server accepts must not stop a capture.',
  },
  {
    debezium:
      'Inner arrays of text, UUIDs, network addresses, ranges and enums are printed as `[Ljava.lang.String;@1b2c3d4e`, with another number in every event.',
    here: "The same form; the number is made of the array's text.",
    why: 'Equal arrays are printed alike, so a repeated event is the same.',
  },
  {
    debezium:
      'Floating-point numbers have the digits that its Java finds: the shortest ones since Java 19, sometimes others before (`1.17549435E-38`).',
    here: 'The digits of Java 17, whatever Debezium ran on before.',
    why: 'The recordings are made with it. The number is the same.',
  },
  {
    debezium: 'The last three digits of `ts_ns` of the envelope are what the clock of its virtual machine has.',
    here: 'Zeros.',
    why: 'The clock counts microseconds.',
  },
  {
    debezium: '`event.processing.failure.handling.mode` and `errors.tolerance` may skip a row that cannot be processed.',
    here: 'The first has no effect. `errors.tolerance=all` leaves out only what a transform cannot take: counted, and logged once for each reason.',
    why: 'No event is lost silently. What happens to a value that cannot be converted is decided by `event.converting.failure.handling.mode`.',
  },
];

const TABLES: readonly Note[] = [
  {
    debezium:
      'Where the include list has a partitioned table but not its partitions, the table is snapshotted and no change follows, because changes have the names of the partitions. With `publish.via.partition.root=true` it is the reverse.',
    here: 'The start refuses it with `partitions_not_captured`; `slotline.allow.loss=true` goes on as Debezium does.',
    why: 'No change is lost silently.',
  },
  {
    debezium:
      'Because of the publication that it makes, the server refuses UPDATE and DELETE of tables without a replica identity. With a publication for all tables this includes tables that are not captured.',
    here: 'The same, and the tables are listed before it is made.',
    why: 'Applications that write to them fail from then on.',
  },
  {
    debezium: 'Two tables whose names become one topic share it, and their rows are mixed.',
    here: 'The start refuses them, and a topic that the config also gives to transactions, heartbeats or offsets. `slotline check` names all of them.',
    why: 'A consumer could not tell the rows apart.',
  },
  {
    debezium: 'A column of `message.key.columns` that does not exist is left out, or the primary key is taken.',
    here: 'The start refuses an entry whose table pattern matches captured tables and whose column none of them has. One that matches no table is told by `slotline check`.',
    why: 'Records with another key than asked for go to other partitions.',
  },
  {
    debezium: 'Columns that differ by case only stop the task. So does a table without columns.',
    here: 'They are fields of their own. A row without columns is read by the snapshot and not streamed.',
    why: 'A table that the server accepts must not stop a capture.',
  },
  {
    debezium:
      'When one `ALTER TABLE … REPLICA IDENTITY` fails, those after it fail too (`replica.identity.autoset.values`). Names are written without quotes.',
    here: 'Each is a statement of its own, with quotes. One that the server refuses is a warning with the statement. Slotline waits for the lock for `snapshot.lock.timeout.ms`, then the start is tried again.',
    why: 'Readers of a table queue behind a statement that waits for its lock.',
  },
  {
    debezium: 'A table of `snapshot.select.statement.overrides` without its SELECT is read whole.',
    here: 'The config is refused.',
    why: 'Rows that were to be left out would be sent.',
  },
  {
    debezium: 'A SELECT of `snapshot.select.statement.overrides` that lacks the last column of its table fails the task.',
    here: 'The column is null, or has its default, as any other that the SELECT lacks.',
    why: 'The place of a column makes no difference.',
  },
  {
    debezium:
      'With `publication.autocreate.mode=filtered` each start sets the publication to the captured tables: tables, row filters and column lists that another connector or a subscriber reads by it are gone.',
    here: 'Missing tables are added, at the start and while it runs; nothing is taken out. The log says `publication.shared` where it names more.',
    why: 'The other reader would lose rows silently.',
  },
  {
    debezium: 'A publication or a captured table that is changed while it runs, so that rows are missing, is not noticed.',
    here: 'Within seconds the connector ends with `source_changed`, which says tables, WAL and the snapshot that heals it; `slotline.source.changed.action=warn` goes on.',
    why: 'A gap that nobody knows of is the worst that can happen to a capture.',
  },
  {
    debezium:
      'With `publication.autocreate.mode=filtered` and either `skipped.operations` or `publish.via.partition.root`, the second start fails: its ALTER PUBLICATION is not valid SQL.',
    here: 'It works.',
    why: 'Nothing is gained by failing.',
  },
];

const ENCODINGS: readonly Note[] = [
  {
    debezium:
      'A database in SQL_ASCII is read as if it were UTF-8, and bytes that are not UTF-8 become another character or fail the task.',
    here: 'It is refused, as MULE_INTERNAL is. Every encoding that the server converts to UTF8 is read.',
    why: 'Its bytes do not tell which characters they are.',
  },
];

const DELIVERY: readonly Note[] = [
  {
    debezium: 'Positions are confirmed once per `offset.flush.interval.ms`.',
    here: "Within some 20 ms of Kafka's acknowledgement, under load twice a second; each position is stored in the offset record first.",
    why: 'Less is repeated after a crash.',
  },
  {
    debezium: 'After a restart the stored offset decides where the stream goes on.',
    here: "The slot's confirmed position. The stored one is compared with it: a slot that stands after it is refused (`slot_gap`), and so are another server, database or history (`server_changed`).",
    why: 'With `no_validation` Debezium ignores what a slot has lost, as long as `restart_lsn` is not past its offset.',
  },
  {
    debezium: 'Two connectors may name the same slot; the second takes it when the first stops.',
    here: 'Only the same connector name and prefix waits as a standby; any other is refused with `slot_in_use`, and the owner is named.',
    why: 'Each would miss what the other read.',
  },
  {
    debezium: 'An idle slot needs heartbeats to advance.',
    here: 'It advances without heartbeats, also while other databases of the server are busy.',
    why: 'An idle capture must not keep WAL on the server.',
  },
  {
    debezium: '`producer.acks` may be 0 or 1.',
    here: 'Refused unless `slotline.allow.loss=true`.',
    why: 'An acknowledged record can be lost.',
  },
  {
    debezium: 'A second process on the same slot fails after `slot.max.retries`.',
    here: 'It waits and takes over.',
    why: 'It is the standby that a failure of the first needs.',
  },
  {
    debezium:
      'Where a slot exists already and a snapshot is due, rows are read first and the older changes of the slot are sent after them.',
    here: 'The slot is streamed up to a consistent point first, then the rows as of that point are sent, then the stream goes on.',
    why: 'For no key does a position go backwards.',
  },
  {
    debezium: 'A snapshot reads the rows that row-level security lets it see.',
    here: 'It refuses a table whose rows are hidden from its role.',
    why: 'Rows would be missing silently.',
  },
];

const RUNNING: readonly Note[] = [
  {
    debezium: 'A connector of a Connect cluster.',
    here: 'A process with one or more JSON files. No REST API and no JMX.',
    why: 'One small process is the point.',
  },
  {
    debezium: 'Secrets outside of the config need `config.providers`.',
    here: `\`\${env:…}\`, \`\${file:…}\` and \`\${dir:…}\` are always there.`,
    why: 'A secret must not be in a file of settings.',
  },
  {
    debezium: 'Names that nobody knows are ignored.',
    here: 'An error; so is an option that would change which data is sent, or its shape, and is not honoured yet.',
    why: 'A mask that is ignored is a leak.',
  },
  {
    debezium: 'Java key stores, Kerberos and Java classes (converters, transforms, partitioners, login modules).',
    here: 'They cannot be used.',
    why: 'There is no Java.',
  },
  {
    debezium: 'A failed task stays failed until somebody restarts it, unless the error is known to heal.',
    here: 'After the first success whatever can heal by itself is retried for ever (`errors.max.retries` limits it). At the first start, wrong credentials or rights end the process with exit code 1.',
    why: 'A wrong config must be seen at once, an outage must be survived.',
  },
];

const AVRO: readonly Note[] = [
  {
    debezium:
      "Apicurio's converter does not read `scrub.invalid.names`, `discard.type.doc.default`, `ignore.default.for.nullables`, `allow.optional.map.keys` and `generalized.sum.type.support`; Confluent's does.",
    here: "Honoured as Confluent's does where events have what they change, under both class names.",
    why: "Apicurio's converter is a fork of Confluent's.",
  },
  {
    debezium: 'Apicurio names an artifact by `artifact-resolver-strategy`, Confluent a subject by `key.subject.name.strategy`.',
    here: "Confluent's subjects, through the Confluent API that both registries have.",
    why: 'One API serves every registry.',
  },
  {
    debezium:
      "Apicurio's own API takes a namespace that Avro does not allow (a topic prefix or a table with a dash, a part that starts with a digit); Confluent's API refuses it.",
    here: 'The connector stops with `registry_invalid_schema`; `schema.name.adjustment.mode=avro` makes most such names fit.',
    why: 'Only the Confluent API is used. Decoders but those of Java refuse such a schema too.',
  },
  {
    debezium:
      "A column's default that is NaN or an infinity becomes the text `\"NaN\"` in the schema: Confluent's API refuses it and the task fails, Apicurio's own API takes it, and decoders fail.",
    here: 'The schema has no such default. A null is still sent as the default.',
    why: 'JSON has no such number. The table can be captured, and the records read.',
  },
  {
    debezium:
      'A struct that stands twice in a record with other parameters (`column.propagate.source.type` on two columns): the parameters of the first only; Confluent from 8.4 on adds `connect.parameters` to the later fields.',
    here: 'The parameters of the first only.',
    why: 'As Apicurio and every Confluent release before 8.4.',
  },
  {
    debezium: 'Two required columns of one struct type whose parameters differ: the type is defined twice, which no registry takes.',
    here: 'The second refers to the first.',
    why: 'The table can be captured.',
  },
  {
    debezium: 'Text that `column.truncate` cut within a surrogate pair ends in a question mark, in JSON in half the pair.',
    here: 'The same.',
    why: 'UTF-8 has no half pairs.',
  },
];

const JSON_SCHEMA_AND_TEXT: readonly Note[] = [
  {
    debezium: "JSON Schema: a column's default that is NaN or an infinity fails the task: Confluent's converter cannot print the schema.",
    here: 'The schema has no such default. A null is still sent as the default.',
    why: 'The table can be captured.',
  },
  {
    debezium: 'JSON Schema: values that are NaN or an infinity are texts where the schema has numbers.',
    here: 'The same; such a record is not valid for its schema.',
    why: "As Confluent's converter writes them.",
  },
  {
    debezium:
      'Text: a plain byte array (bit strings, the `wkb` of geometries, the value of a numeric without precision) is its place in memory, `[B@1b2c3d4e`. A `bytea` is `java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]`.',
    here: 'Both are the latter, with the number of their bytes.',
    why: 'The same row gives the same text.',
  },
  {
    debezium: 'Text: keys of such columns are no keys: they differ for equal rows, or are equal for different ones.',
    here: 'The connector stops with `string_key_bytes`.',
    why: 'Order and compaction go by the key.',
  },
  {
    debezium: "Text: dates and times of `time.precision.mode=connect` are shown in the worker's time zone.",
    here: 'In UTC.',
    why: 'A server setting must not change events.',
  },
  {
    debezium: 'ByteArrayConverter fails the task at its first record that is no bytes.',
    here: 'Without transforms the config is refused; with them the connector stops at such a record.',
    why: 'Events are structures; a transform may leave bytes, as the EventRouter does of a bytea payload.',
  },
];

const PROTOBUF: readonly Note[] = [
  {
    debezium:
      'A null in a field of text, number or bytes is sent as no field: readers show it as an empty text, 0 or false, and cannot tell it from such a value.',
    here: 'The same, as long as neither `optional.for.nullables` nor `wrapper.for.nullables` is `true`. Set `optional.for.nullables=true` for both converters.',
    why: "Confluent's default. With the option nulls are exact but in arrays and maps, and the bytes are hardly more.",
  },
  {
    debezium:
      'A null array or map is an empty one; a null in a map of texts (`hstore.handling.mode=map`) an empty text, unless `wrapper.for.nullables=true`.',
    here: 'The same.',
    why: 'Protobuf has no other form for them.',
  },
  {
    debezium:
      'A null in an array, a map in an array (`hstore[]` as maps), a timestamp outside of the years 1 to 9999: the task fails at the row.',
    here: 'The connector stops with `value_not_convertible` at such a row, whatever `event.converting.failure.handling.mode` says. `column.exclude.list` leaves the column out; times as numbers (`time.precision.mode`) have no such bounds.',
    why: 'Protobuf has no form for them.',
  },
  {
    debezium: 'A date before our era loses its era: the year 44 BC is sent as 44.',
    here: 'The connector stops with `value_not_convertible`.',
    why: 'A wrong date would not be seen.',
  },
  {
    debezium: 'Dates of `time.precision.mode=connect` before 1582-10-15 are those of the Julian calendar; the time 24:00 is 00:00.',
    here: 'The same.',
    why: "As Confluent's converter writes them, and reads them back.",
  },
  {
    debezium:
      "A table with an array of arrays (of vectors), or with a column whose name is no identifier of Protobuf, or that of another column's type, fails the task.",
    here: 'The connector stops with `protobuf_schema_invalid`, which names it. `field.name.adjustment.mode=avro` or `scrub.invalid.names=true` mend names; `column.exclude.list` leaves the column out.',
    why: 'As Confluent.',
  },
  {
    debezium: 'A topic prefix or a table with a dash is a package with a dash, which registries take and compilers of .proto files do not.',
    here: 'The same. `schema.name.adjustment.mode=avro` makes it valid.',
    why: "Readers with Confluent's library work as they did.",
  },
  {
    debezium:
      'Fields are numbered by their place: a column that is dropped before others gives its number to the next one. Fields of decimals and of smallint have the option `confluent.field_meta`, whose file is not imported: protoc wants `import "confluent/meta.proto"` added.',
    here: 'The same. Read records by the id of their own schema: a class compiled from an older one would show one column in another.',
    why: "Confluent's numbers and text: both may write to one subject.",
  },
];

export const NOTES: readonly NoteTopic[] = [
  { title: 'Events', notes: EVENTS },
  { title: 'Transforms', notes: TRANSFORM_NOTES },
  { title: 'Tables and names', notes: [...TABLES, ...ENCODINGS] },
  { title: 'Delivery', notes: DELIVERY },
  { title: 'Running it', notes: RUNNING },
  { title: "Differences of Apicurio's Avro converter and Confluent's", notes: AVRO },
  { title: 'JSON Schema and text', notes: JSON_SCHEMA_AND_TEXT },
  { title: 'Protobuf', notes: PROTOBUF },
];

/** What each value of `slotline.values.corrections` mends, and recorded cases that show what it mends. */
type Correction = { readonly debezium: string; readonly mended: string; readonly cases: readonly string[] };

export const CORRECTIONS: Readonly<Record<ValueCorrection, Correction>> = {
  'toast-placeholders': {
    debezium:
      'An unchanged TOAST value of a type without a placeholder is null: arrays other than text, bytea, int, bigint, date, uuid and json; `numeric`, bit strings, bytea as base64, geometry, geography, vectors. A column that is NOT NULL stops the connector.',
    mended:
      'Each has a placeholder made of its schema: text types and arrays of them hold `unavailable.value.placeholder`; bytes, numerics and the `wkb` of geometries hold its bytes; arrays and vectors of numbers hold its byte codes, as arrays of int do. Arrays of boolean and doubles stay null.',
    cases: ['toast', 'postgis-toast', 'pgvector-toast'],
  },
  numerics: {
    debezium:
      '`NaN` and `±Infinity` in `decimal.handling.mode=precise` become null, and stop the connector where the column is NOT NULL. `numeric(3,-2)` has scale 2046 and as many zeros.',
    mended:
      'A numeric that is NOT NULL has an optional schema in precise mode, so that such a value is null there too. A negative scale is scale 0.',
    cases: ['numbers', 'numbers-negative-scale'],
  },
  'dates-and-times': {
    debezium:
      'A date before Christ loses its era in snapshots, and ±infinity is another day than in the stream. Elements of date[], timestamp[], timestamptz[], time[] and timetz[] lose eras, microseconds or fractions. `timetz 24:00:00` and, as ISO text, `time 24:00:00` are midnight.',
    mended: 'Snapshots and arrays have what the stream has for the value alone; 24:00:00 (UTC) stays `24:00:00Z`.',
    cases: ['temporal', 'arrays-temporal-extremes'],
  },
  names: {
    debezium: 'A column of type `name` is right in the snapshot, and null (`""` if NOT NULL) in the stream.',
    mended: 'The stream has the value.',
    cases: ['other-types'],
  },
  arrays: {
    debezium:
      'Inner arrays of nested ones are null, or the identity of a Java object. `bit[]` and `sparsevec[]` are null, `int2vector` and `oidvector` empty. A null in an array of enum, ltree, tsvector, isbn, vector or of an unknown type makes the whole array null, and so does NaN in numeric[].',
    mended:
      'Elements of inner arrays stand one after the other; bit[], sparsevec[], int2vector and oidvector have their elements; elements of every array may be null (their schema is optional); NaN in numeric[] is as it is alone.',
    cases: ['arrays-nested', 'arrays', 'pgvector'],
  },
  keys: {
    debezium:
      'The key is the first unique index without expressions, also where its columns may be null, where it is partial, deferrable or not valid; columns of INCLUDE are in it. Rows share a key, and compaction keeps one of them. With another index as replica identity a delete has zeros or nulls in the key of a primary key.',
    mended:
      'The key is the index of the replica identity, else the primary key, else a unique index that tells every row from every other at any time, without its INCLUDE; else there is none. `message.key.columns` is left as it is: a delete has null in columns that the replica identity lacks.',
    cases: ['unique-index-key', 'unique-key-with-nulls-default-identity', 'replica-identity'],
  },
  snapshots: {
    debezium:
      "A snapshot has rows and columns that the stream never updates: unlogged tables, tables and columns that the publication does not send (generated ones), rows outside of its WHERE, a partitioned table beside its partitions, a parent table with its children's rows.",
    mended:
      'A snapshot reads what the publication sends, under the name that changes have: `select … from only`, its columns, its WHERE, no unlogged or foreign partition. A SELECT of `snapshot.select.statement.overrides` stays as it is.',
    cases: ['unlogged', 'inheritance', 'generated-columns'],
  },
  enums: {
    debezium:
      'The `allowed` labels of an enum are those that were there when the connector was started, or met the type: labels that ALTER TYPE adds or renames are in events, and not in their schemas.',
    mended:
      'They are those of the catalog whenever the table is described anew: after a change of its columns, key or identity, or at its first row. ALTER TYPE alone makes the server describe nothing, so until then they stay.',
    cases: ['ddl-enum-value', 'enum-added-value', 'enum-changed-before-use'],
  },
};
