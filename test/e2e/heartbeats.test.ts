/** Heartbeats of the real program: records as long as it runs, the SQL that goes with them, and what they do to an idle slot. */
import { describe, expect, it } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, type LogLine, type Slotline, startStreaming } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { readEvents } from './topic-events.ts';

const WAIT = { timeoutMs: 45_000 };

async function disposableDatabase(major: 14 | 18): Promise<FreshDatabase & AsyncDisposable> {
  const db = await freshDatabase(major);
  return { ...db, [Symbol.asyncDispose]: () => db.drop() };
}

/** Waits until the heartbeat topic holds so many, and returns their bytes and places. */
async function readBeats(topic: string, count: number) {
  const { bootstrapServers } = sharedKafka();
  const records = await until('heartbeats', async () => await readTopic(bootstrapServers, topic, { count, timeoutMs: 10_000 }), WAIT);
  return records.map(({ partition, key, value, headers }) => ({ partition, key: String(key), value: String(value), headers }));
}

function actionFailures(slotline: Slotline): LogLine[] {
  return slotline.lines.filter(({ event }) => event === 'heartbeat.action_failed');
}

describe.concurrent('heartbeats', () => {
  it.for([18, 14] as const)('on PostgreSQL %i run the query, whose changes arrive and move the slot of an idle database', async (major) => {
    await using db = await disposableDatabase(major);
    const name = uniqueName('beat');
    const { bootstrapServers } = sharedKafka();
    await db.client.query('create table item (id int primary key); create table beat (id int primary key, n int)');
    const config = connectorConfig(
      { ...db, bootstrapServers, name },
      {
        'heartbeat.interval.ms': '100',
        'heartbeat.action.query': 'insert into beat values (1, 1) on conflict (id) do update set n = beat.n + 1',
        'topic.creation.default.partitions': '3',
      },
    );
    await using slotline = await startStreaming(config, WAIT);
    const before = await confirmedLsn(db.client, name);

    const beats = await readBeats(`__debezium-heartbeat.${name}`, 5);
    const times = beats.map(({ partition, key, value, headers }) => {
      expect({ partition, key, headers }).toEqual({ partition: 0, key: `{"serverName":"${name}"}`, headers: {} });
      return Number(/^\{"ts_ms":(\d+)\}$/.exec(value)?.[1]);
    });
    expect(times).toEqual([...times].sort((a, b) => a - b));

    const events = await readEvents(bootstrapServers, `${name}.public.beat`, (all) => all.length >= 4);
    const [first, ...later] = events.map(({ value }) => ({ op: value?.op, n: value?.after?.['n'] }));
    expect(first).toEqual({ op: 'c', n: 1 });
    expect(later.slice(0, 3)).toEqual([2, 3, 4].map((n) => ({ op: 'u', n })));
    const lastLsn = events[3]?.value?.source.lsn ?? 0;
    expect(lastLsn).toBeGreaterThan(before);
    await until('the slot is confirmed beyond it', async () => (await confirmedLsn(db.client, name)) > lastLsn, WAIT);
    expect(actionFailures(slotline)).toEqual([]);

    // None of them keeps a stop waiting.
    const { exitCode } = await slotline.stop();
    expect(exitCode).toBe(0);
  });

  it('go on when their query fails: one warning, and the stream is not held up', async () => {
    await using db = await disposableDatabase(18);
    const name = uniqueName('beat');
    const { bootstrapServers } = sharedKafka();
    await db.client.query('create table item (id int primary key)');
    const config = connectorConfig(
      { ...db, bootstrapServers, name },
      { 'heartbeat.interval.ms': '50', 'heartbeat.action.query': 'insert into beat values (1)', 'topic.heartbeat.name': `${name}.pulse` },
    );
    await using slotline = await startStreaming(config, WAIT);
    await readBeats(`${name}.pulse`, 5);
    await db.client.query('insert into item values (1)');
    const events = await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length > 0);
    expect(events).toHaveLength(1);
    expect(actionFailures(slotline)).toMatchObject([
      { level: 'warn', event: 'heartbeat.action_failed', code: 'pg_query_failed', sqlState: '42P01' },
    ]);
  });
});
