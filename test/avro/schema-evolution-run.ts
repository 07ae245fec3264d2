/** Owns what the tests of schema changes share: levels set at the registry, several topics read at once, what became of a change. */
import { randomUUID } from 'node:crypto';
import { SchemaRegistry as IndependentDecoder, SchemaType } from '@kafkajs/confluent-schema-registry';
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs';
import type { Client } from 'pg';
import { until } from '../harness/until.ts';
import { longsAsBigints } from '../oracles/avsc.ts';

export type TopicRecord = {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
};

const READ_TIMEOUT_MS = 30_000;

/** Everything that the topics hold, by one consumer; of a topic in order where it has one partition. */
export async function readTopics(bootstrapServers: string, topics: readonly string[]): Promise<Map<string, TopicRecord[]>> {
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const expected = await countAll(kafka, topics);
  const found = new Map<string, TopicRecord[]>(topics.map((topic) => [topic, []]));
  let seen = 0;
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 100 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    const eachMessage = async ({ topic, message }: EachMessagePayload): Promise<void> => {
      const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]));
      found.get(topic)?.push({ topic, key: message.key, value: message.value, headers });
      seen++;
    };
    await consumer.run({ eachMessage, autoCommit: false });
    await until(`${expected} records of ${topics.length} topics`, async () => seen >= expected, { timeoutMs: READ_TIMEOUT_MS });
  } finally {
    await consumer.disconnect();
  }
  return found;
}

async function countAll(kafka: Kafka, topics: readonly string[]): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
    return offsets.flat().reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** The slot has confirmed everything that is written so far: it is in Kafka. */
export async function untilConfirmed(client: Pick<Client, 'query'>, slot: string, o: { timeoutMs: number }): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn';
  await until('everything is confirmed', async () => (await client.query(sql, [slot, rows[0]?.lsn])).rowCount === 1, o);
}

export type Decode = (bytes: Buffer | null) => Promise<unknown>;

/** By avsc, with the schema that the record's id names. */
export function independentDecoder(registryUrl: string): Decode {
  const decoder = new IndependentDecoder({ host: registryUrl }, { [SchemaType.AVRO]: { typeHook: longsAsBigints } });
  return (bytes) => (bytes === null ? Promise.resolve(null) : decoder.decode(bytes));
}

export function schemaIdOf(bytes: Buffer | null): number {
  if (bytes?.[0] !== 0) throw new Error('no record in the wire format');
  return bytes.readInt32BE(1);
}

/** Of one subject, as an operator sets it. */
export async function setCompatibility(registryUrl: string, subject: string, compatibility: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ compatibility });
  const answer = await fetch(`${registryUrl}/config/${encodeURIComponent(subject)}`, { method: 'PUT', headers, body });
  if (!answer.ok) throw new Error(`${subject} cannot be made ${compatibility}: ${answer.status} ${await answer.text()}`);
}

/** Versions of a subject; none where there is no such subject. */
export async function versionsOf(registryUrl: string, subject: string): Promise<number> {
  const answer = await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}/versions`);
  if (answer.status === 404) return 0;
  const versions: unknown = await answer.json();
  return Array.isArray(versions) ? versions.length : 0;
}

const ERROR = '__connect.errors';

/** Of a dead letter, as the cases write it: what differs in `before` differs in `after` too, and is said once. */
export function refusalOf(record: TopicRecord): string {
  const message = record.headers[`${ERROR}.exception.message`] ?? '';
  const fields = /fields=(.*?)(?:, message=|$)/.exec(message)?.[1] ?? '';
  const different = new Set(fields.split(', ').map((field) => field.replace(/^(before|after)\./, '')));
  const isKey = record.headers[`${ERROR}.stage`] === 'KEY_CONVERTER';
  return `${isKey ? 'key refused' : 'refused'}: ${[...different].join(', ')}`;
}
