import { describe, expect, test } from 'vitest';
import type { ResolvedOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { formatNotes, formatProblems } from '../problems.ts';
import { resolveConfig } from './resolve.ts';

const REQUIRED = { 'database.hostname': 'localhost', 'database.user': 'u', 'database.dbname': 'd', 'topic.prefix': 'srv' };

const WORKER = `
# connect-distributed.properties
bootstrap.servers=kafka-1:9092,\\
                  kafka-2:9092
group.id=connect
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=io.confluent.connect.avro.AvroConverter
value.converter.schema.registry.url=http://registry:8081
offset.storage.topic=connect-offsets
client.id=worker
request.timeout.ms=5000
security.protocol=SASL_SSL
producer.security.protocol=SASL_SSL
producer.sasl.mechanism=PLAIN
producer.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="anna" password="\${creds:/run/app:pass}";
producer.compression.type=lz4
producer.no.such.option=1
consumer.max.poll.records=1
transforms=mask
transforms.mask.type=com.acme.Mask
config.providers=creds
config.providers.creds.class=org.apache.kafka.common.config.provider.FileConfigProvider
`;

const ENVIRONMENT: ConfigEnvironment = {
  variables: { WORKER: '/etc/worker.properties' },
  readFile: (path) => {
    if (path === '/etc/worker.properties') return WORKER;
    if (path === '/run/app') return 'pass=secret';
    throw Object.assign(new Error('none'), { code: 'ENOENT' });
  },
};

function resolve(
  more: Readonly<Record<string, unknown>>,
  workerConfig?: string,
): { options: ResolvedOptions | undefined; problems: string; notes: string } {
  const result = resolveConfig({ ...REQUIRED, ...more }, ENVIRONMENT, new Map(), workerConfig);
  return {
    options: result.tag === 'resolved' ? result.options : undefined,
    problems: result.tag === 'refused' ? formatProblems(result.problems) : '',
    notes: formatNotes(result.notes),
  };
}

describe("a worker's file", () => {
  test.each([
    ['the command line', {}, '/etc/worker.properties'],
    ['the config', { 'slotline.worker.config': '$' + '{env:WORKER}' }, undefined],
    ['the config before the command line', { 'slotline.worker.config': '/etc/worker.properties' }, '/none'],
  ])('that %s names gives converters, brokers, producer settings and security', (_, more, workerConfig) => {
    const { options, notes, problems } = resolve(more, workerConfig);
    expect({ problems, notes }).toEqual({ problems: '', notes: '' });
    expect(options).toMatchObject({
      keyConverter: { format: 'string' },
      valueConverter: { format: 'avro', registry: { urls: ['http://registry:8081'] } },
      kafka: {
        bootstrapServers: [{ host: 'kafka-1' }, { host: 'kafka-2' }],
        tls: true,
        sasl: { mechanism: 'PLAIN', username: 'anna', password: 'secret' },
      },
      producer: { compression: 'lz4', requestTimeoutMs: 30_000 },
      transforms: [],
      offsetStorage: { topic: 'slotline-offsets' },
    });
    expect(options?.kafka.clientId).not.toBe('worker');
  });

  test('gives way to what the connector says, option by option, and converter by converter', () => {
    const own = { 'bootstrap.servers': 'own:1', 'producer.override.compression.type': 'zstd', 'value.converter': 'json' };
    const { options, notes } = resolve(own, '/etc/worker.properties');
    expect(options).toMatchObject({
      kafka: { bootstrapServers: [{ host: 'own' }], tls: true },
      producer: { compression: 'zstd' },
      keyConverter: { format: 'string' },
      valueConverter: { format: 'json', schemasEnable: true },
    });
    expect(notes).toBe('');
  });

  test('that cannot be read is a problem, and so is what is wrong in it', () => {
    const missing = resolve({ 'bootstrap.servers': 'own:1' }, '/none').problems;
    expect(missing).toBe("slotline.worker.config: the worker's file /none cannot be read (ENOENT)");
    const environment = { ...ENVIRONMENT, readFile: () => 'bootstrap.servers=nowhere\nproducer.acks=1\n' };
    const result = resolveConfig(REQUIRED, environment, new Map(), 'w');
    expect(result.tag === 'refused' && result.problems.map(({ key, reason }) => [key, reason.endsWith("(in the worker's file)")])).toEqual([
      ['bootstrap.servers', true],
      ['producer.acks', true],
    ]);
  });
});

describe('a config without converters', () => {
  const KAFKA = { 'bootstrap.servers': 'own:1' };

  test('is told which format it has, and how to have another', () => {
    const { options, notes } = resolve(KAFKA);
    expect(options).toMatchObject({
      keyConverter: { format: 'json', schemasEnable: true },
      valueConverter: { format: 'json', schemasEnable: true },
    });
    expect(notes).toBe(
      'key.converter: is not given, nor is value.converter: JSON with schemas is written. Connect takes it from its worker: ' +
        "name it here, or the worker's file by slotline.worker.config or --worker-config",
    );
    expect(resolve({ ...KAFKA, 'key.converter': 'string' }).notes).toMatch(/^value\.converter: is not given: JSON/);
  });

  test('has no options of them, as in Connect, and no registry', () => {
    const { options, notes } = resolve({
      ...KAFKA,
      'value.converter.schemas.enable': false,
      'value.converter.schema.registry.url': 'http://r:1',
    });
    expect(options?.valueConverter).toMatchObject({ format: 'json', schemasEnable: true });
    expect(notes).toContain(
      'value.converter.schemas.enable: has no effect, nor have value.converter.schema.registry.url: As in Connect it belongs to value.converter, which is not given.',
    );
  });

  test('is told of a registry that its converter does not ask', () => {
    const { notes } = resolve({
      ...KAFKA,
      'key.converter': 'json',
      'value.converter': 'json',
      'value.converter.schema.registry.url': 'http://r:1',
    });
    expect(notes).toBe(
      'value.converter.schema.registry.url: has no effect: the converter needs no registry (JSON with a schema registry is json-schema)',
    );
  });
});
