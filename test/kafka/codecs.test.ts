import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { sharedKafka, uniqueName } from '../harness/shared.ts';
import { kcatMissing, kcatRead } from './kcat.ts';
import { openPublishing, recordOf, topicCreation } from './publishing.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** kafkajs brings no other codec. */
const KAFKAJS_CODECS = ['none', 'gzip'] as const;
const COUNT = 3_000;
const KEY_HEADER = Buffer.concat([Buffer.of(2, 2), Buffer.from('h'), Buffer.of(2), Buffer.from('v')]);

let missing: string | undefined;
const topics = new Map<string, string>();

/** Batches of one record, of many, and one whose bytes do not compress. */
function textOf(i: number): string {
  if (i % 1_000 === 999)
    return Array.from({ length: 2_000 }, (_, at) => String.fromCharCode(33 + ((i * 7919 + at * at * 104_729) % 90))).join('');
  return `{"id":${i},"name":"customer ${i % 97}","note":"${'abc '.repeat(i % 20)}"}`;
}

beforeAll(async () => {
  missing = kcatMissing();
  for (const compression of CODECS) topics.set(compression, await publish(compression));
}, 180_000);

afterAll(() => {
  if (missing !== undefined) console.log(`[codecs] not read by kcat: ${missing}`);
});

async function publish(compression: (typeof CODECS)[number]): Promise<string> {
  const name = uniqueName(`codec_${compression}`);
  await using publishing = openPublishing(sharedKafka().bootstrapServers, {
    topics: topicCreation(2),
    producer: { compression, batchBytesMax: 50_000 },
  });
  const { publisher } = publishing;
  const topic = await publisher.openTopic(name, AbortSignal.timeout(20_000));
  publisher.append(topic, recordOf('first', textOf(0), { headers: KEY_HEADER }));
  await publisher.drain(AbortSignal.timeout(20_000));
  for (let i = 1; i < COUNT; i++) publisher.append(topic, recordOf(`k${i % 50}`, textOf(i), { headers: KEY_HEADER }));
  await publisher.drain(AbortSignal.timeout(20_000));
  return name;
}

const expected = (): string[] => Array.from({ length: COUNT }, (_, i) => textOf(i)).sort();

test.for(CODECS)('batches compressed with %s are read by kcat', async (compression, context) => {
  if (missing !== undefined) context.skip(missing);
  const records = await kcatRead(sharedKafka().bootstrapServers, topics.get(compression) ?? '');
  expect(records.map(({ payload }) => payload).sort()).toEqual(expected());
  expect(records.every(({ headers }) => headers?.join('=') === 'h=v')).toBe(true);
});

test.each(KAFKAJS_CODECS)('batches compressed with %s are read by kafkajs', async (compression) => {
  const records = await readTopic(sharedKafka().bootstrapServers, topics.get(compression) ?? '');
  expect(records.map(({ value }) => String(value)).sort()).toEqual(expected());
});
