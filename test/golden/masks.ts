/**
 * Owns what may differ between a recording and a replay of it: the one list of masks, each with its reason. Everything else is
 * compared byte for byte. A masked value is not dropped: it is replaced by its rank among the values of its kind in the same case,
 * so that equality and order among them are compared still.
 */

export const MASKS: readonly { readonly member: string; readonly reason: string }[] = [
  { member: 'ts_ms, ts_us, ts_ns of the envelope, ts_ms of a message', reason: "The connector's clock. The three must agree." },
  { member: 'source.ts_ms, ts_us, ts_ns', reason: 'Commit time, or the time of the snapshot: by rank. The three must agree.' },
  { member: 'source.txId', reason: 'The server counts on from run to run: by rank.' },
  { member: 'source.lsn', reason: 'Positions in the WAL: by rank; those of messages apart, for what lies between two records varies.' },
  { member: 'source.sequence[0]', reason: 'End of the last commit: by rank, and whether it lies behind the event.' },
  { member: 'source.sequence[1]', reason: 'Must equal source.lsn.' },
  { member: 'source.db', reason: 'Each replay has a database of its own.' },
];

/** Columns that the recorded statements fill from the clock or at random. Zero values, which stand for a missing cell, are kept. */
export const VOLATILE_COLUMNS: readonly { readonly cases: readonly string[]; readonly column: RegExp; readonly reason: string }[] = [
  { cases: ['defaults'], column: /("ug":")(?!0{8}-)[0-9a-f-]{36}/g, reason: 'default gen_random_uuid()' },
  { cases: ['defaults'], column: /("dn":)[1-9][0-9]*/g, reason: 'default current_date' },
  { cases: ['defaults'], column: /("ts3":)[1-9][0-9]*/g, reason: 'default now()' },
  { cases: ['defaults'], column: /("tzn":")(?!1970-)[0-9]{4}-[0-9T:.-]{21}Z/g, reason: 'default now()' },
];

/** The part of the source block that holds what is masked; members between are compared as they stand. */
const SOURCE =
  /("source":\{"version":"[^"]*","connector":"postgresql","name":"[^"]*",)"ts_ms":(\d+)(,"snapshot":(?:"[a-z_]+"|null),"db":)"([^"]*)","sequence":"\[(null|\\"\d+\\"),\\"(\d+)\\"\]","ts_us":(\d+),"ts_ns":(\d+)(,"schema":"(?:[^"\\]|\\.)*","table":"(?:[^"\\]|\\.)*",)"txId":(null|\d+),"lsn":(\d+)/;

/** Nanoseconds are not compared with microseconds beyond the clock's own digits: a JVM counts them, Slotline does not. */
const CLOCK = /"ts_ms":(\d+),"ts_us":\1(\d{3}),"ts_ns":\1\2\d{3}(\}+)$/;
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
  readonly lsn: string;
  readonly lsnKind: 'message' | 'row';
};

function sourceFacts(value: string): SourceFacts | undefined {
  const match = SOURCE.exec(value);
  if (match === null) return undefined;
  const [, before = '', ms = '', snapshot = '', , first = '', second = '', us = '', ns = '', table = '', txId = '', lsn = ''] = match;
  return {
    before,
    snapshot,
    sequence: first === 'null' ? null : first.replaceAll('\\"', ''),
    ts: us,
    timesAgree: us.slice(0, -3) === ms && ns === `${us}000`,
    ownLsn: second === lsn,
    table,
    txId,
    lsn,
    lsnKind: table.startsWith(',"schema":"","table":""') ? 'message' : 'row',
  };
}

/** Numbers from 1 in their order, for each kind. */
class Ranks {
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

/** The values of all records of one case, masked; null stays null. `group` is the case's name without the suffix for schemas. */
export function maskValues(group: string, values: readonly (string | null)[]): (string | null)[] {
  const volatile = VOLATILE_COLUMNS.filter(({ cases }) => cases.includes(group));
  const ranks = new Ranks();
  const facts = values.map((value) => (value === null ? undefined : sourceFacts(value)));
  for (const one of facts) {
    if (one === undefined) continue;
    ranks.add('time', one.ts);
    ranks.add(one.lsnKind, one.lsn);
    if (one.txId !== 'null') ranks.add('tx', one.txId);
    if (one.sequence !== null) ranks.add('commit', one.sequence);
  }
  return values.map((value, i) => {
    const one = facts[i];
    if (value === null || one === undefined) return value;
    return volatile
      .reduce((text, { column }) => text.replace(column, '$1<volatile>'), value)
      .replace(SOURCE, () => printSource(one, ranks))
      .replace(CLOCK, '<clock>$3')
      .replace(MESSAGE_CLOCK, '$1<clock>$2');
  });
}

function printSource(one: SourceFacts, ranks: Ranks): string {
  const time = one.timesAgree ? ranks.of('time', one.ts) : '<times disagree>';
  const sequence =
    one.sequence === null ? 'null' : ranks.of('commit', one.sequence) + (BigInt(one.sequence) > BigInt(one.lsn) ? ' behind' : '');
  const second = one.ownLsn ? 'lsn' : '<not lsn>';
  const txId = one.txId === 'null' ? 'null' : ranks.of('tx', one.txId);
  return `${one.before}${time}${one.snapshot}<db>[${sequence},${second}]${one.table}${txId},${ranks.of(one.lsnKind, one.lsn)}`;
}
