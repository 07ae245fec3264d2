/**
 * Owns what may differ between a recording and a replay of it, or a second recording: the one list of masks, each with its reason.
 * Everything else is compared byte for byte. A masked value is not dropped: it is replaced by its rank among the values of its kind in
 * the same case, so that equality and order among them are compared still. Does not compare (compare.ts).
 *
 *     ts_ms, ts_us, ts_ns of the envelope, ts_ms of a message   The connector's clock. The three must agree.
 *     source.ts_ms, ts_us, ts_ns    Commit time, or the time of the snapshot: by rank. The three must agree.
 *     source.xmin, source.txId      The server counts on from run to run: by rank.
 *     source.lsn                    By rank; positions of messages apart, for what lies between two records varies. A snapshot's goes before
 *                                   a row's that is the same: the first row may begin at the very byte where the snapshot stands.
 *     source.sequence[0]            End of the last commit: by rank, and whether it lies behind the event.
 *     source.sequence[1]            Must equal source.lsn.
 *     source.db                     Each replay has a database of its own.
 *     __debezium.context.runId      One for each start of a connector: by first appearance.
 *     transaction.id                xid:lsn: the xid by rank, the position must equal source.lsn.
 *     id in the transaction topic   xid:lsn: the xid by rank; of a BEGIN whether it is the first event of the transaction, of an END
 *                                   by rank among the commits.
 *     ts_ms of the transaction topic   The commit time in milliseconds: must equal that of the events of the transaction.
 *     LogicalDecodingMessageId@… in data_collections   The identity of a Java object. It is a key of a hash map, so it decides the
 *                                   order: the collections are sorted where one is.
 *     [Ljava.lang.String;@…         The identity of a Java object (an inner array of text, of UUIDs, of other text).
 *     heartbeats                    The connector's clock; how many there are depends on how long it ran: repeats are one.
 *     records behind transforms     transform-masks.ts has what is not found in an envelope.
 */
import type { GoldenRecord, RecordedText } from './replay-cases.ts';
import { maskTransactionIds, type TransactionStatus, transactionStatus } from './transaction-masks.ts';
import { headerAsField, isTransformCase, maskFields, maskTimestamp, seeFields } from './transform-masks.ts';

const DEFAULT_EXPRESSIONS = ['', '-connect-double', '-micro', '-nanoseconds', '-strings'].map((variant) => `default-expressions${variant}`);

/** Columns that the recorded statements fill from the clock or at random. Zero values, which stand for a missing cell, are kept. */
const VOLATILE_COLUMNS: readonly { readonly cases: readonly string[]; readonly column: RegExp; readonly reason: string }[] = [
  { cases: ['defaults'], column: /("ug":")(?!0{8}-)[0-9a-f-]{36}/g, reason: 'default gen_random_uuid()' },
  { cases: ['defaults'], column: /("dn":)[1-9][0-9]*/g, reason: 'default current_date' },
  { cases: ['defaults'], column: /("ts3":)[1-9][0-9]*/g, reason: 'default now()' },
  ...[/("c113":"?)[1-9][0-9]*(?:-[0-9]{2}-[0-9]{2}Z)?/g, /("default":"?)[1-9][0-9]*(?:-[0-9]{2}-[0-9]{2}Z)?(?="?,"field":"c113")/g].map(
    (column) => ({
      cases: DEFAULT_EXPRESSIONS,
      column,
      reason: "default 'today': the day on which the table is made",
    }),
  ),
  { cases: ['defaults'], column: /("tzn":")(?!1970-)[0-9]{4}-[0-9T:.-]{21}Z/g, reason: 'default now()' },
];

const AVRO_TODAY = /("name":"c113","type":\[\{[^}]*"connect\.default":"?)[0-9-]+(Z?"?[^}]*\},"null"\],"default":"?)[0-9-]+/;

/** An Avro schema without the day on which the table was made. */
export function maskedAvroSchema(group: string, text: string): string {
  return DEFAULT_EXPRESSIONS.includes(group) ? text.replace(AVRO_TODAY, '$1TODAY$2TODAY') : text;
}

/** The part of the source block that holds what is masked; members between are compared as they stand. */
const SOURCE =
  /("source":\{"version":"[^"]*","connector":"postgresql","name":"[^"]*",)"ts_ms":(\d+)(,"snapshot":(?:"[a-z_]+"|null),"db":)"([^"]*)","sequence":"\[(null|\\"\d+\\"),\\"(\d+)\\"\]","ts_us":(\d+),"ts_ns":(\d+)(,"schema":"(?:[^"\\]|\\.)*","table":"(?:[^"\\]|\\.)*",)"txId":(null|\d+),"lsn":(\d+),"xmin":(null|\d+)/;

/** Nanoseconds are not compared with microseconds beyond the clock's own digits: a JVM counts them, Slotline does not. */
const CLOCK = /"ts_ms":(\d+),"ts_us":\1(\d{3}),"ts_ns":\1\2\d{3}(\}+)$/;
const TRANSACTION_BLOCK = /("transaction":\{"id":")(\d+):(\d+)"(?=,"total_order":\d+,"data_collection_order":\d+\})/;
const HEARTBEAT = /^((?:\{"schema":.*,"payload":)?\{"ts_ms":)\d+(\}+)$/;
const JAVA_ARRAY = /(\[Ljava\.(?:lang|util)\.(?:String|Object|UUID);@)[0-9a-f]+/g;
const MESSAGE_CLOCK = /("op":"m",)"ts_ms":\d+(,"source":)/;

type SourceFacts = {
  readonly before: string;
  readonly snapshot: string;
  readonly sequence: string | null;
  readonly ts: string;
  readonly timesAgree: boolean;
  readonly ownLsn: boolean;
  readonly table: string;
  readonly txId: string;
  readonly xmin: string;
  readonly lsn: string;
  readonly lsnKind: 'message' | 'row';
};

function sourceFacts(value: string): SourceFacts | undefined {
  const match = SOURCE.exec(value);
  if (match === null) return undefined;
  const [, before = '', ms = '', snapshot = '', , first = '', second = '', us = '', ns = '', table = '', txId = '', lsn = '', xmin = ''] =
    match;
  return {
    before,
    snapshot,
    sequence: first === 'null' ? null : first.replaceAll('\\"', ''),
    ts: us,
    timesAgree: us.slice(0, -3) === ms && ns === `${us}000`,
    ownLsn: second === lsn,
    table,
    txId,
    xmin,
    lsn,
    lsnKind: table.startsWith(',"schema":"","table":""') ? 'message' : 'row',
  };
}

function ranked({ lsn, snapshot }: Pick<SourceFacts, 'lsn' | 'snapshot'>): string {
  const isRead = /"snapshot":"(?!false")/.test(snapshot);
  return String(BigInt(lsn) * 2n + (isRead ? 0n : 1n));
}

/** Numbers from 1 in their order, for each kind. */
export class Ranks {
  readonly #values = new Map<string, Set<string>>();

  add(kind: string, value: string): void {
    const values = this.#values.get(kind) ?? new Set();
    this.#values.set(kind, values.add(value));
  }

  of(kind: string, value: string): string {
    const sorted = [...(this.#values.get(kind) ?? [])].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    return `<${kind} ${sorted.indexOf(value) + 1}>`;
  }
}

export type MaskedRecord = {
  readonly place: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly string[];
  readonly timestamp?: string | undefined;
};

/** All records of one case, masked; null stays null. `group` is the case's name without the suffix for schemas. */
export function maskRecords(group: string, records: readonly GoldenRecord[]): MaskedRecord[] {
  const volatile = VOLATILE_COLUMNS.filter(({ cases }) => cases.includes(group));
  const ranks = new Ranks();
  const seen = records.map(({ value }) => seeRecord(shown(value), ranks));
  const events = firstEvents(seen);
  const runIds: string[] = [];
  const masked = records.map((record, i): MaskedRecord => {
    const { facts, status } = seen[i] ?? {};
    const headers = record.headers.map(([name, value]) => `${name}=${maskRunId(name, shown(value) ?? NO_VALUE, runIds)}`);
    const place = `${record.topic} ${record.partition}`;
    const [key, value] = [shown(record.key), shown(record.value)];
    if (status !== undefined) return { place, ...maskTransactionIds({ key, value: value ?? '', status, ranks, events }), headers };
    if (value === null || facts === undefined) return { place, key, value: value?.replace(HEARTBEAT, '$1<clock>$2') ?? null, headers };
    return { place, key: key === null ? null : mask(key, volatile), value: maskEvent(mask(value, volatile), facts, ranks), headers };
  });
  const whole = isTransformCase(group) ? maskTransformed(masked, records, ranks) : masked;
  return whole.filter((record, i) => !isRepeatedHeartbeat(record, whole.slice(0, i)));
}

const NO_VALUE = '<null>';

/** What the masks for envelopes have left. */
function maskTransformed(masked: readonly MaskedRecord[], records: readonly GoldenRecord[], ranks: Ranks): MaskedRecord[] {
  const headersOf = ({ headers }: GoldenRecord): [string, string][] => headers.map(([name, value]) => [name, shown(value) ?? NO_VALUE]);
  for (const { key, value } of masked) for (const text of [key, value]) if (text !== null) seeFields(text, ranks);
  for (const [name, value] of records.flatMap(headersOf)) seeFields(headerAsField(name, value), ranks);
  return masked.map((record, i) => {
    const { key, value } = record;
    const headers = record.headers.map((printed, place) => {
      const [name, text] = records[i]?.headers[place] ?? [''];
      const field = headerAsField(name, shown(text ?? null) ?? NO_VALUE);
      const hidden = maskFields(field, ranks);
      return hidden === field ? printed : hidden;
    });
    const texts = { key: key === null ? null : maskFields(key, ranks), value: value === null ? null : maskFields(value, ranks) };
    return { ...record, ...texts, headers, timestamp: maskTimestamp(records[i]?.timestamp) };
  });
}

function shown(text: RecordedText): string | null {
  return typeof text === 'object' && text !== null ? `base64 ${text.base64}` : text;
}

type Seen = { readonly facts?: SourceFacts | undefined; readonly status?: TransactionStatus | undefined };

function seeRecord(value: string | null, ranks: Ranks): Seen {
  if (value === null) return {};
  const status = transactionStatus(value);
  if (status !== undefined) {
    ranks.add('tx', status.xid);
    if (status.status === 'END') ranks.add('commit', status.lsn);
    return { status };
  }
  const facts = sourceFacts(value);
  if (facts === undefined) return {};
  ranks.add('time', facts.ts);
  ranks.add(facts.lsnKind, ranked(facts));
  if (facts.txId !== 'null') ranks.add('tx', facts.txId);
  if (facts.xmin !== 'null') ranks.add('xmin', facts.xmin);
  if (facts.sequence !== null) ranks.add('commit', facts.sequence);
  return { facts };
}

/** The first event of each transaction that has one; the records of several topics may stand in any order. */
function firstEvents(seen: readonly Seen[]): Map<string, { lsn: string; tsMs: string }> {
  const events = new Map<string, { lsn: string; tsMs: string }>();
  for (const { facts } of seen) {
    if (facts === undefined) continue;
    const known = events.get(facts.txId);
    if (known !== undefined && BigInt(known.lsn) <= BigInt(facts.lsn)) continue;
    events.set(facts.txId, { lsn: facts.lsn, tsMs: facts.ts.slice(0, -3) });
  }
  return events;
}

function mask(text: string, columns: typeof VOLATILE_COLUMNS): string {
  return columns.reduce((masked, { column }) => masked.replace(column, '$1<volatile>'), text.replace(JAVA_ARRAY, '$1<identity>'));
}

function maskEvent(value: string, facts: SourceFacts, ranks: Ranks): string {
  return value
    .replace(SOURCE, () => printSource(facts, ranks))
    .replace(TRANSACTION_BLOCK, (_, start: string, xid: string, lsn: string) => {
      return `${start}${ranks.of('tx', xid)}:${lsn === facts.lsn ? 'lsn' : '<not lsn>'}"`;
    })
    .replace(CLOCK, '<clock>$3')
    .replace(MESSAGE_CLOCK, '$1<clock>$2');
}

function maskRunId(name: string, value: string, runIds: string[]): string {
  if (name !== '__debezium.context.runId' || !/^[0-9a-f-]{36}$/.test(value)) return value;
  if (!runIds.includes(value)) runIds.push(value);
  return `<run ${runIds.indexOf(value) + 1}>`;
}

function isRepeatedHeartbeat(record: MaskedRecord, before: readonly MaskedRecord[]): boolean {
  const isHeartbeat = record.value?.includes('"ts_ms":<clock>}') && record.headers.length === 0;
  if (!isHeartbeat && !record.place.startsWith('__debezium-heartbeat')) return false;
  const text = ({ place, key, value, headers }: MaskedRecord): string => JSON.stringify([place, key, value, headers]);
  return before.some((earlier) => text(earlier) === text(record));
}

function printSource(one: SourceFacts, ranks: Ranks): string {
  const time = one.timesAgree ? ranks.of('time', one.ts) : '<times disagree>';
  const sequence =
    one.sequence === null ? 'null' : ranks.of('commit', one.sequence) + (BigInt(one.sequence) > BigInt(one.lsn) ? ' behind' : '');
  const second = one.ownLsn ? 'lsn' : '<not lsn>';
  const txId = one.txId === 'null' ? 'null' : ranks.of('tx', one.txId);
  const xmin = one.xmin === 'null' ? 'null' : ranks.of('xmin', one.xmin);
  return `${one.before}${time}${one.snapshot}<db>[${sequence},${second}]${one.table}${txId},${ranks.of(one.lsnKind, ranked(one))},${xmin}`;
}
