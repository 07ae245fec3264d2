/** What is told of Kafka while questions wait for it. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../core/errors.ts';
import { SILENT_LOG } from '../core/log.ts';
import type { KafkaConnectionOptions } from '../core/options.ts';
import { SYSTEM_CLOCK } from '../core/time.ts';
import type { BatchCodec } from './client-contract.ts';
import { createCluster } from './cluster.ts';

describe('trouble with Kafka', () => {
  it('lasts until the waiting question itself is answered, even if others are answered meanwhile', async () => {
    const events: string[] = [];
    const log = { ...SILENT_LOG, warn: (event: string) => events.push(event), info: (event: string) => events.push(event) };
    const deps = { log, clock: SYSTEM_CLOCK, random: () => 0 };
    const connect = () => Promise.reject(new Error('not asked for'));
    const cluster = createCluster({} as KafkaConnectionOptions, deps, connect, {} as BatchCodec);
    const { signal } = new AbortController();
    let isAway = true;
    const asked = Promise.withResolvers<void>();
    const waiting = cluster.untilAnswered('a topic', signal, async () => {
      if (!isAway) return 'there';
      asked.resolve();
      throw new SlotlineError('kafka_unreachable');
    });
    await asked.promise;
    await cluster.untilAnswered('another topic', signal, async () => 'there');
    expect(cluster.trouble?.code).toBe('kafka_unreachable');
    isAway = false;
    await waiting;
    expect(cluster.trouble).toBeUndefined();
    expect(events).toEqual(['kafka.waiting', 'kafka.answers_again']);
  });
});
