/** Owns reading a topic's records as events: parsed key and envelope, headers as text, the bytes of `after`. Knows no table. */
import { type ConsumedRecord, countRecords, readTopic } from '../harness/consume.ts';
import { until } from '../harness/until.ts';

export type Row = Readonly<Record<string, unknown>>;

type Envelope = {
  readonly op: 'c' | 'u' | 'd' | 'r' | 't' | 'm';
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: {
    readonly lsn: number;
    readonly txId: number | null;
    readonly snapshot: string;
    readonly table: string;
    readonly ts_us: number;
    readonly ts_ns: number;
  };
  readonly message?: { readonly prefix: string; readonly content: string };
};

export type TopicRecord = {
  readonly key: Row | null;
  /** null: a tombstone. */
  readonly value: Envelope | null;
  /** The value as it stands in Kafka. */
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** The topic from its beginning (it need not exist yet), until `isComplete` says so of all events so far. */
export async function readEvents(
  bootstrapServers: string,
  topic: string,
  isComplete: (events: readonly TopicRecord[]) => boolean,
): Promise<TopicRecord[]> {
  await until(`topic ${topic} holds records`, async () => (await countRecords(bootstrapServers, topic)) > 0, { timeoutMs: 20_000 });
  const records = await readTopic(bootstrapServers, topic, { until: (all) => isComplete(all.map(parseRecord)), timeoutMs: 40_000 });
  return records.map(parseRecord);
}

/** What the topic holds now. */
export async function readCurrentEvents(bootstrapServers: string, topic: string): Promise<TopicRecord[]> {
  return (await readTopic(bootstrapServers, topic)).map(parseRecord);
}

function parseRecord(record: ConsumedRecord): TopicRecord {
  const text = record.value === null ? '' : record.value.toString('utf8');
  const headers = Object.entries(record.headers).map(([name, value]) => [name, value.toString('utf8')]);
  return {
    key: record.key === null ? null : payloadOf<Row>(record.key.toString('utf8')),
    value: record.value === null ? null : payloadOf<Envelope>(text),
    text,
    headers: Object.fromEntries(headers),
  };
}

/** With schemas.enable=true the envelope stands in `payload`. */
function payloadOf<T>(text: string): T {
  const parsed: T | { schema: unknown; payload: T } = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && 'payload' in parsed && 'schema' in parsed ? parsed.payload : (parsed as T);
}

/** The bytes of the envelope's `after`, as text; without schemas. */
export function afterBytes(record: TopicRecord): string {
  const start = record.text.indexOf('"after":');
  const end = record.text.lastIndexOf(',"source":{"version":');
  if (start < 0 || end < start) throw new Error('the value has no after');
  return record.text.slice(start + '"after":'.length, end);
}

/** One word per record: its operation and a column of its key. */
export function operations(events: readonly TopicRecord[], keyColumn = 'id'): string[] {
  return events.map(({ key, value }) => `${value?.op ?? 'tombstone'} ${key === null ? 'null' : String(key[keyColumn])}`);
}
