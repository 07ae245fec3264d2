/** What becomes of a running connector whose topics are deleted under it, all of them, while its table is written to. */
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const WAIT = { timeoutMs: 30_000 };

test('topics of rows, transactions and heartbeats that are deleted are made again within seconds, and everything since goes on in order', async () => {
  const name = uniqueName('topics');
  const { bootstrapServers } = sharedKafka();
  await using source = { ...(await freshDatabase(18)), [Symbol.asyncDispose]: () => source.drop() };
  const { client } = source;
  await client.query('create table item (id int primary key, n int)');
  const more = { 'heartbeat.interval.ms': '200', 'provide.transaction.metadata': 'true' };
  await using slotline = await startStreaming(connectorConfig({ ...source, bootstrapServers, name }, more), WAIT);
  const admin = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await using _ = { [Symbol.asyncDispose]: () => admin.disconnect() };

  let written = 0;
  /** Key by key in turn, so that `n` of a key rises by 10. */
  const write = async (rows: number): Promise<void> => {
    for (const end = written + rows; written < end; written++) {
      await client.query('insert into item values ($1 % 10, $1) on conflict (id) do update set n = excluded.n', [written]);
    }
  };
  await write(50);
  const topics = [`${name}.public.item`, `${name}.transaction`, `__debezium-heartbeat.${name}`];
  const doomed = [...topics, `${name}.offsets`];
  await until(
    'all are there',
    async () => {
      const there = new Set(await admin.listTopics());
      return doomed.every((topic) => there.has(topic));
    },
    WAIT,
  );
  const since = performance.now();
  await admin.deleteTopics({ topics: doomed });
  const firstAfter = written;
  while (slotline.lines.filter(({ event }) => event === 'topic.recreated').length < topics.length && performance.now() - since < 30_000)
    await write(20);
  console.log(`[topics] all made again after ${Math.round(performance.now() - since)} ms`);
  // About two seconds on a machine of its own.
  expect(performance.now() - since).toBeLessThan(20_000);
  await write(50);
  type Row = { readonly id: number; readonly n: number };
  const rowOf = ({ value }: { readonly value: Buffer | null }): Row => JSON.parse(String(value)).after;
  const hasLast = (records: readonly { readonly value: Buffer | null }[]): boolean => records.some((each) => rowOf(each).n === written - 1);
  const rows = (await readTopic(bootstrapServers, topics[0] ?? '', { until: hasLast })).map(rowOf);
  for (const ofKey of Map.groupBy(rows, ({ id }) => id).values()) {
    const seen = ofKey.map(({ n }) => n);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_unused, index) => (seen[0] ?? 0) + 10 * index));
    // What was committed behind the deletion is all there.
    expect(seen[0]).toBeLessThan(firstAfter + 10);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(written - 10);
  }
  expect(slotline.lines.filter(({ event }) => event === 'connector.retrying')).toEqual([]);
  expect((await slotline.stop()).exitCode).toBe(0);
}, 90_000);
