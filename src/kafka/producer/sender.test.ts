/** What a publisher does about error codes that no broker gives on demand: they come from a fake broker, which answers as it is told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { until } from '../../../test/harness/until.ts';
import { brokerAnswering, ANSWERING_TOPIC as TOPIC } from '../../../test/kafka/answering-broker.ts';
import { connectionOptions, producerOptions, recordingLog, recordOf, topicCreation } from '../../../test/kafka/publishing.ts';
import type { SlotlineError } from '../../core/errors.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { createKafkaClient } from '../client.ts';
import { createCluster } from '../cluster.ts';
import { kafkaErrorEntry } from '../protocol-errors.ts';
import { createPublisher } from './publisher.ts';
import type { Permission } from './publisher-contract.ts';

async function outcome(
  next: () => number,
  deliveryTimeoutMs: number,
): Promise<{ acknowledged: number; failure: SlotlineError | undefined; sent: number }> {
  let sent = 0;
  const deps = { log: recordingLog().log, clock: SYSTEM_CLOCK, random: Math.random };
  const counted = (): number => {
    sent++;
    return next();
  };
  const options = connectionOptions('broker:1');
  const client = createCluster(options, deps, async () => brokerAnswering(counted), createKafkaClient(options, deps).codec);
  const parts = { fence: { maySend: () => true }, onFailure() {} };
  const publisher = createPublisher(client, producerOptions({ deliveryTimeoutMs }), topicCreation(1), parts, deps);
  const topic = await publisher.openTopic(TOPIC, AbortSignal.timeout(10_000));
  publisher.append(topic, recordOf('k', 'v'));
  publisher.append(topic, recordOf('k', 'w'));
  await publisher.drain(AbortSignal.timeout(10_000)).catch(() => undefined);
  const { acknowledgedOrdinal: acknowledged, failure } = publisher;
  await publisher.close();
  await client.close();
  return { acknowledged, failure, sent };
}

test('whatever code answers a batch, it is either sent again and acknowledged in the end, or ends the attempt at once, by the table', async () => {
  const property = fc.asyncProperty(
    fc.oneof(fc.integer({ min: -1, max: 140 }), fc.integer({ min: -0x8000, max: 0x7fff })),
    async (code) => {
      let asked = 0;
      const { acknowledged, failure } = await outcome(() => (asked++ < 2 ? code : 0), 10_000);
      const { batch, becomes } = kafkaErrorEntry(code);
      if (batch === 'end') expect([acknowledged, failure?.code]).toEqual([0, becomes]);
      // For a single record a second answer of this kind is one too many.
      else if (batch === 'split') expect([acknowledged, failure?.code]).toEqual([0, 'kafka_record_too_large']);
      else expect([acknowledged, failure]).toEqual([2, undefined]);
    },
  );
  await fc.assert(property, { numRuns: 20 });
});

test.each([4242, -1, 30_000])(
  'a code that never goes away (%i) ends the attempt after the delivery time, is named, and is not asked hotly',
  async (code) => {
    const { acknowledged, failure, sent } = await outcome(() => code, 700);
    expect(acknowledged).toBe(0);
    expect(failure).toMatchObject({
      code: 'kafka_delivery_timeout',
      retry: 'auto',
      details: { lastAnswer: `${TOPIC}: ${kafkaErrorEntry(code).name}` },
    });
    expect(sent).toBeGreaterThan(1);
    expect(sent).toBeLessThan(15);
  },
);

test('what brokers refuse for now is reported as waiting, until they take it', async () => {
  const { log, lines } = recordingLog();
  // Time runs twenty times as fast.
  const clock = { ...SYSTEM_CLOCK, monotonicMs: () => SYSTEM_CLOCK.monotonicMs() * 20 };
  const deps = { log, clock, random: Math.random };
  const options = connectionOptions('broker:1');
  let refuses = true;
  const refused = (): number => (refuses ? 19 : 0);
  const client = createCluster(options, deps, async () => brokerAnswering(refused), createKafkaClient(options, deps).codec);
  const parts = { fence: { maySend: () => true }, onFailure() {} };
  const publisher = createPublisher(client, producerOptions({ deliveryTimeoutMs: 10_000_000 }), topicCreation(1), parts, deps);
  publisher.append(await publisher.openTopic(TOPIC, AbortSignal.timeout(10_000)), recordOf('k', 'v'));
  const drained = publisher.drain(AbortSignal.timeout(10_000));
  expect(client.trouble).toBeUndefined();
  await until('it is told', async () => client.trouble, { timeoutMs: 10_000 });
  expect(client.trouble).toMatchObject({
    code: 'kafka_request_failed',
    details: { topic: TOPIC, partition: 0, error: 'NOT_ENOUGH_REPLICAS' },
  });
  refuses = false;
  await drained;
  expect(client.trouble).toBeUndefined();
  expect(lines.map(({ event }) => event).filter((event) => /waiting|again/.test(event))).toEqual(['kafka.waiting', 'kafka.answers_again']);
  await publisher.close();
  await client.close();
});

test('a process that was frozen while it made a request does not write it before it may send again', async () => {
  const deps = { log: recordingLog().log, clock: SYSTEM_CLOCK, random: Math.random };
  const options = connectionOptions('broker:1');
  const { codec } = createKafkaClient(options, deps);
  const frozen = { permission: true as Permission, asked: 0 };
  let requests = 0;
  const answer = (): number => {
    requests++;
    return 0;
  };
  let next: Permission = 'later';
  const compress = (...args: Parameters<typeof codec.compress>): ReturnType<typeof codec.compress> => {
    if (frozen.asked > 0) frozen.permission = next;
    return codec.compress(...args);
  };
  const client = createCluster(options, deps, async () => brokerAnswering(answer), { ...codec, compress });
  const fence = {
    maySend: () => {
      frozen.asked++;
      return frozen.permission;
    },
  };
  const failures: string[] = [];
  const parts = { fence, onFailure: ({ code }: SlotlineError) => failures.push(code) };
  const publisher = createPublisher(client, producerOptions({ compression: 'lz4' }), topicCreation(1), parts, deps);
  const topic = await publisher.openTopic(TOPIC, AbortSignal.timeout(10_000));
  publisher.append(topic, recordOf('k', 'v'.repeat(1000)));
  publisher.flush();
  await until('it is asked behind the freeze', async () => frozen.permission === 'later' && frozen.asked > 3, { timeoutMs: 10_000 });
  expect([requests, publisher.acknowledgedOrdinal, publisher.pending.requestsInFlight]).toEqual([0, 0, 0]);
  frozen.permission = true;
  await publisher.drain(AbortSignal.timeout(10_000));
  expect([requests, publisher.acknowledgedOrdinal]).toEqual([1, 1]);
  next = false;
  publisher.append(topic, recordOf('k', 'v'.repeat(1000)));
  await expect(publisher.drain(AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'fenced' });
  expect([requests, publisher.acknowledgedOrdinal, failures]).toEqual([1, 1, ['fenced']]);
  await publisher.close();
  await client.close();
});
