import { describe, expect, test } from 'vitest';
import type { TopicCreationGroup, TopicCreationOptions } from '../core/options.ts';
import { newTopic } from './topics.ts';

function group(name: string, settings: Partial<TopicCreationGroup>): TopicCreationGroup {
  return { name, include: [], exclude: [], partitions: undefined, replicationFactor: undefined, configs: [], ...settings };
}

const FALLBACK = group('default', { partitions: 6, replicationFactor: 3, configs: [['compression.type', 'producer']] });
const COMPACTED = group('compacted', { include: ['shop\\.public\\.(customers|orders)'], configs: [['cleanup.policy', 'compact']] });
const WIDE = group('wide', { include: ['shop\\..*', 'other'], exclude: ['.*\\.audit'], partitions: 24, replicationFactor: -1 });

function creation(groups: readonly TopicCreationGroup[], o: Partial<TopicCreationOptions> = {}): TopicCreationOptions {
  return { enable: true, default: FALLBACK, groups, ...o };
}

describe('the settings of a new topic', () => {
  test('come from the first group that matches; partitions and replicas from the default where it gives none, other settings not', () => {
    const expected = { name: 'shop.public.orders', partitions: 6, replicationFactor: 3, configs: [['cleanup.policy', 'compact']] };
    expect(newTopic('shop.public.orders', creation([COMPACTED, WIDE]))).toEqual(expected);
    expect(newTopic('shop.public.orders', creation([WIDE, COMPACTED]))).toMatchObject({
      partitions: 24,
      replicationFactor: -1,
      configs: [],
    });
  });

  test('come from the default where no group matches; an exclusion wins over an inclusion', () => {
    expect(newTopic('elsewhere.t', creation([COMPACTED, WIDE]))).toMatchObject({ partitions: 6, configs: FALLBACK.configs });
    expect(newTopic('shop.public.audit', creation([WIDE]))).toMatchObject({ partitions: 6 });
  });

  test('need a pattern that matches the whole name', () => {
    expect(newTopic('shop.public.orders_old', creation([COMPACTED]))).toMatchObject({ configs: FALLBACK.configs });
    expect(newTopic('another', creation([WIDE]))).toMatchObject({ partitions: 6 });
    expect(newTopic('other', creation([WIDE]))).toMatchObject({ partitions: 24 });
  });
});

test('without any topic.creation setting, or with it disabled, creation is left to the broker', () => {
  expect(newTopic('t', creation([], { default: group('default', {}) }))).toBeUndefined();
  expect(newTopic('t', creation([COMPACTED], { enable: false }))).toBeUndefined();
});
