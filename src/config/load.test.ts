import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ConfigEnvironment } from './environment.ts';
import { type LoadResult, loadConfig } from './load.ts';
import { formatProblems, type Problem } from './problems.ts';

const CONFIG = new URL('../../config/', import.meta.url);

/** Examples name files and variables of other machines; any value of the right form will do. */
const ANYWHERE: ConfigEnvironment = {
  variables: new Proxy<Record<string, string>>(
    {},
    { get: (_, name) => (/PORT/.test(String(name)) ? '5432' : /KAFKA|BOOTSTRAP/.test(String(name)) ? 'kafka:9092' : 'x') },
  ),
  readFile: (path) => {
    if (path.startsWith(CONFIG.pathname)) return readFileSync(path, 'utf8');
    if (path.endsWith('.properties')) return 'orders.user=a\norders.password=b\nkafka.password=c\ndatabase.password=d\n';
    return '-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n';
  },
};

function load(text: string): LoadResult {
  return loadConfig('shop.json', { variables: {}, readFile: () => text });
}

const problemsIn = (result: LoadResult): readonly Problem[] => (result.tag === 'refused' ? result.problems : []);
const problemsOf = (result: LoadResult): string[] => problemsIn(result).map((each) => each.key);

describe('config files', () => {
  test.each(readdirSync(CONFIG).filter((name) => name.endsWith('.json')))('config/%s loads', (name) => {
    const result = loadConfig(new URL(name, CONFIG).pathname, ANYWHERE);
    expect(result.tag === 'refused' ? formatProblems(result.problems) : '').toBe('');
  });

  test("Debezium's tutorial with bootstrap.servers starts as it is", () => {
    const result = loadConfig(new URL('examples/debezium-simple.json', CONFIG).pathname, ANYWHERE);
    expect(result).toMatchObject({ tag: 'resolved', options: { name: 'inventory-connector', events: { topicPrefix: 'dbserver1' } } });
  });

  test('a production connector starts as it is', () => {
    const result = loadConfig(new URL('examples/debezium-production.json', CONFIG).pathname, ANYWHERE);
    expect(result).toMatchObject({
      tag: 'resolved',
      options: {
        database: { user: 'a', password: 'b', sslMode: 'require' },
        slot: { name: 'debezium_orders' },
        events: { timePrecisionMode: 'connect', keyColumns: [{ table: 'sales\\.ledger', columns: ['account_id', 'entry_no'] }] },
        kafka: { tls: true, sasl: { mechanism: 'SCRAM-SHA-512', username: 'orders', password: 'c' } },
        producer: { compression: 'lz4', lingerMs: 20, batchBytesMax: 327_680, bufferRecordsMax: 16_384 },
        transforms: [{ alias: 'unwrap' }, { alias: 'route', type: 'org.apache.kafka.connect.transforms.RegexRouter' }],
        topicCreation: { groups: [{ name: 'ledger', partitions: 12, configs: [['cleanup.policy', 'compact']] }] },
      },
    });
  });

  test('an old connector with Avro, signals and post-processors names every line that is not honoured', () => {
    const result = loadConfig(new URL('examples/debezium-avro-masked.json', CONFIG).pathname, ANYWHERE);
    expect(problemsOf(result).toSorted()).toEqual([
      'converters',
      'exactly.once.support',
      'notification.enabled.channels',
      'notification.sink.topic.name',
      'plugin.name',
      'post.processors',
      'signal.data.collection',
      'signal.enabled.channels',
      'signal.kafka.bootstrap.servers',
      'signal.kafka.topic',
      'snapshot.fetch.sise',
    ]);
    expect(result.tag === 'refused' && result.problems.every((each) => each.line !== undefined)).toBe(true);
  });
});

describe('loading', () => {
  test('broken JSON is named with line and column', () => {
    expect(load('{\n  "a": 1,,\n}')).toMatchObject({
      tag: 'refused',
      problems: [{ kind: 'syntax', file: 'shop.json', line: 2, column: 10 }],
    });
    expect(formatProblems(problemsIn(load('{')))).toBe('shop.json, line 1, column 2: expected a key in double quotes');
  });

  test('a file that cannot be read, or is no object, is named', () => {
    const result = loadConfig('none.json', {
      variables: {},
      readFile: () => {
        throw Object.assign(new Error('x'), { code: 'EACCES' });
      },
    });
    expect(result).toMatchObject({ tag: 'refused', problems: [{ file: 'none.json', reason: 'cannot be read (EACCES)' }] });
    expect(load('[]')).toMatchObject({ tag: 'refused', problems: [{ reason: 'must hold one JSON object' }] });
  });

  test('names a key that stands twice, because its first value would silently lose', () => {
    const result = load('{\n"slot.name": "a",\n"slot.name": "b"}');
    expect(result).toMatchObject({ tag: 'refused' });
    expect(result.tag === 'refused' && result.problems[0]).toMatchObject({
      key: 'slot.name',
      line: 3,
      reason: 'stands twice: first on line 2',
    });
  });

  test('a byte order mark is not an error', () => {
    expect(problemsOf(load('\uFEFF{"nonsense": 1}'))).toContain('nonsense');
  });

  test('notes have their line too', () => {
    expect(load('{\n"snapshot.max.threads": 4,"key.converter":"json","value.converter":"json"\n}').notes).toMatchObject([
      { key: 'snapshot.max.threads', line: 2 },
    ]);
  });

  test.each([
    ['Strimzi', 'apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnector\nspec:\n  config: {}\n', 'is a KafkaConnector of Strimzi'],
    ['Strimzi as JSON', '{"kind": "KafkaConnector", "spec": {"config": {}}}', 'is a KafkaConnector of Strimzi'],
    ['Debezium Server', 'debezium.sink.type=kafka\ndebezium.source.topic.prefix=a\n', 'holds options of Debezium Server'],
    ['Debezium Server as JSON', '{"debezium.source.topic.prefix": "a"}', 'holds options of Debezium Server'],
    ['Debezium Server as YAML', 'quarkus:\n  http:\n    port: 1\n', 'holds options of Debezium Server'],
    [
      'a standalone connector',
      'name=a\nconnector.class=io.debezium.connector.postgresql.PostgresConnector\n',
      'holds lines of a properties or YAML',
    ],
  ])('a config in the form of %s is one line that says what to do', (_, text, reason) => {
    expect(problemsIn(load(text))).toMatchObject([{ kind: 'syntax', line: undefined, reason: expect.stringContaining(reason) }]);
  });
});
