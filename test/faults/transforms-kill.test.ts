/** D1 and D3 through routes and filters: kill -9 again and again while an outbox is routed by its rows and a part of them is filtered. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, type Slotline, startSlotline } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';

const { bootstrapServers } = sharedKafka();
const WAIT = { timeoutMs: 60_000 };
const KILLS = 10;
const KINDS = ['order', 'invoice', 'noise'];

let db: FreshDatabase;
let name = '';
let slotline: Slotline | undefined;

beforeEach(async () => {
  name = uniqueName('outbox');
  db = await freshDatabase(18);
});
afterEach(async () => {
  await slotline?.[Symbol.asyncDispose]();
  await db.drop();
});

const TRANSFORMS: ConnectorConfig = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter.schemas.enable': 'false',
  transforms: 'outbox,noise',
  'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
  'transforms.noise.type': 'org.apache.kafka.connect.transforms.Filter',
  'transforms.noise.predicate': 'isNoise',
  predicates: 'isNoise',
  'predicates.isNoise.type': 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  'predicates.isNoise.pattern': '.*\\.noise',
};

async function idsIn(topic: string): Promise<number[]> {
  const records = await readTopic(bootstrapServers, topic);
  return records.map(({ value }) => Number((JSON.parse(JSON.parse(String(value))) as { id: number }).id));
}

test(`kill -9 at ${KILLS} moments: every row that is not filtered arrives at its topic, in order, and a filtered one nowhere`, async () => {
  await db.client.query(
    'create table outbox (id bigint generated always as identity primary key, aggregatetype text, aggregateid text, type text, payload jsonb)',
  );
  const { server, database } = db;
  const prefix = `${name}.event`;
  const config = connectorConfig(
    { server, database, bootstrapServers, name },
    { ...TRANSFORMS, 'transforms.outbox.route.topic.replacement': `${prefix}.\${routedByValue}` },
  );
  let rows = 0;
  const write = async (count: number): Promise<void> => {
    await db.client.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload)
       select ($1::text[])[1 + i % 3], (i % 7)::text, 'made', jsonb_build_object('id', i) from generate_series($2::int, $3::int) as i`,
      [KINDS, rows + 1, rows + count],
    );
    rows += count;
  };
  for (let kill = 0; kill < KILLS; kill++) {
    slotline = startSlotline(config);
    await slotline.waitFor('stream.started', WAIT);
    for (let batch = 0; batch < 5; batch++) await write(200);
    // Between no record of this life and all of them.
    await until(
      'a part is sent',
      async () => slotline?.lines.some(({ event }) => event === 'lsn.confirmed') === true || kill % 2 === 0,
      WAIT,
    );
    await slotline[Symbol.asyncDispose]();
  }
  slotline = startSlotline(config);
  await slotline.waitFor('stream.started', WAIT);
  const expected = (kind: number): number[] => Array.from({ length: rows }, (_, i) => i + 1).filter((i) => i % 3 === kind);
  for (const kind of [0, 1]) {
    const topic = `${prefix}.${KINDS[kind]}`;
    let ids: number[] = [];
    await until(
      `all of ${topic}`,
      async () => {
        ids = await idsIn(topic);
        return new Set(ids).size >= expected(kind).length;
      },
      WAIT,
    );
    expect([...new Set(ids)].toSorted((a, b) => a - b)).toEqual(expected(kind));
    // A replay begins again at a commit, and goes on in order.
    const firsts = ids.filter((id, index) => ids.indexOf(id) === index);
    expect(firsts).toEqual(expected(kind));
  }
  await expect(readTopic(bootstrapServers, `${prefix}.noise`)).rejects.toThrow();
}, 240_000);
