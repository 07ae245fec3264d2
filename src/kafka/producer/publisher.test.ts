/** What a publisher asks and tells: it asks the fence before each request, and tells acknowledgements after each reply. */
import { expect, test } from 'vitest';
import { until } from '../../../test/harness/until.ts';
import { ANSWERING_TOPIC, brokerAnswering } from '../../../test/kafka/answering-broker.ts';
import { connectionOptions, producerOptions, recordingLog, recordOf, topicCreation } from '../../../test/kafka/publishing.ts';
import type { SlotlineError } from '../../core/errors.ts';
import type { ProducerOptions } from '../../core/options.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { createKafkaClient } from '../client.ts';
import { createCluster } from '../cluster.ts';
import { createPublisher } from './publisher.ts';
import type { Permission } from './publisher-contract.ts';

async function setUp(permission: Permission, options: Partial<ProducerOptions> = {}) {
  const deps = { log: recordingLog().log, clock: SYSTEM_CLOCK, random: Math.random };
  const connection = connectionOptions('broker:1');
  /** What happened, in order. */
  const seen: string[] = [];
  const broker = brokerAnswering(() => {
    seen.push('answered');
    return 0;
  });
  const client = createCluster(connection, deps, async () => broker, createKafkaClient(connection, deps).codec);
  const fence = {
    permission,
    maySend(): Permission {
      seen.push(`asked: ${fence.permission}`);
      return fence.permission;
    },
  };
  const acknowledgements = {
    onAcknowledged: (ordinal: number, { waiting }: { readonly waiting: number }) => seen.push(`acknowledged ${ordinal}, ${waiting} wait`),
    onEnded: () => seen.push('ended'),
  };
  const failures: SlotlineError[] = [];
  const parts = { fence, acknowledgements, onFailure: (error: SlotlineError) => failures.push(error) };
  const publisher = createPublisher(client, producerOptions(options), topicCreation(1), parts, deps);
  const topic = await publisher.openTopic(ANSWERING_TOPIC, AbortSignal.timeout(10_000));
  const append = (): void => publisher.append(topic, recordOf('k', 'v'));
  const dispose = async (): Promise<void> => {
    await publisher.close();
    await client.close();
  };
  return { publisher, fence, seen, failures, append, [Symbol.asyncDispose]: dispose };
}

test('a publisher asks before it sends, and tells how far everything is acknowledged and how much is not', async () => {
  await using parts = await setUp(true);
  const { publisher, seen, append } = parts;
  append();
  append();
  await publisher.drain(AbortSignal.timeout(10_000));
  append();
  await publisher.drain(AbortSignal.timeout(10_000));
  // Once before the request is made, and once before it is written.
  const asked = ['asked: true', 'asked: true'];
  expect(seen).toEqual([...asked, 'answered', 'acknowledged 2, 0 wait', ...asked, 'answered', 'acknowledged 3, 0 wait']);
});

test('a publisher holds everything back while the fence says later', async () => {
  await using parts = await setUp('later');
  const { publisher, fence, seen, append } = parts;
  append();
  publisher.flush();
  await until('it asks again', async () => seen.length > 3, { timeoutMs: 10_000 });
  expect(new Set(seen)).toEqual(new Set(['asked: later']));
  fence.permission = true;
  await publisher.drain(AbortSignal.timeout(10_000));
  expect(seen.slice(-3)).toEqual(['asked: true', 'answered', 'acknowledged 1, 0 wait']);
});

test('a publisher that the fence refuses sends nothing, fails, and tells at once that nothing will be acknowledged', async () => {
  await using parts = await setUp(false);
  const { publisher, seen, failures, append } = parts;
  append();
  await expect(publisher.drain(AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'fenced' });
  expect(seen).toEqual(['asked: false', 'asked: false', 'ended']);
  expect([publisher.failure?.code, publisher.acknowledgedOrdinal, failures.map(({ code }) => code)]).toEqual(['fenced', 0, ['fenced']]);
});

test('whoever waits for capacity is woken when the fence refuses the very request that this sends', async () => {
  await using parts = await setUp(true, { bufferRecordsMax: 1, lingerMs: 60_000 });
  const { publisher, fence, append } = parts;
  append();
  await publisher.drain(AbortSignal.timeout(10_000));
  append();
  fence.permission = false;
  await publisher.whenCapacity();
  expect(publisher.failure?.code).toBe('fenced');
});
