/** Owns what the Kafka tests share: options with short bounds, a publisher over a real broker, and records made from text. */
import type { SlotlineError } from '../../src/core/errors.ts';
import type { Log, LogFields } from '../../src/core/log.ts';
import type { KafkaConnectionOptions, ProducerOptions, TopicCreationOptions } from '../../src/core/options.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { createKafkaClient, type KafkaClient } from '../../src/kafka/client.ts';
import type { ProducerIdentity } from '../../src/kafka/producer/identity.ts';
import { createPublisher } from '../../src/kafka/producer/publisher.ts';
import type { Publisher, RecordView } from '../../src/kafka/producer/publisher-contract.ts';

export function connectionOptions(servers: string, overrides: Partial<KafkaConnectionOptions> = {}): KafkaConnectionOptions {
  const bootstrapServers = servers.split(',').map((server) => {
    const at = server.lastIndexOf(':');
    return { host: server.slice(0, at), port: Number(server.slice(at + 1)) };
  });
  return {
    bootstrapServers,
    clientId: 'slotline-test',
    tls: false,
    tlsVerifyHostname: true,
    tlsCaPem: undefined,
    tlsCertPem: undefined,
    tlsKeyPem: undefined,
    tlsKeyPassword: undefined,
    sasl: undefined,
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 3_000,
    metadataMaxAgeMs: 300_000,
    ...overrides,
  };
}

export function producerOptions(overrides: Partial<ProducerOptions> = {}): ProducerOptions {
  return {
    acks: -1,
    idempotence: true,
    maxInFlightPerConnection: 5,
    compression: 'none',
    lingerMs: 0,
    batchBytesMax: 256 * 1024,
    requestBytesMax: 1024 * 1024,
    deliveryTimeoutMs: 60_000,
    requestTimeoutMs: 5_000,
    bufferBytesMax: 16 * 1024 * 1024,
    bufferRecordsMax: 100_000,
    ...overrides,
  };
}

export function topicCreation(
  partitions: number,
  replicationFactor = 1,
  configs: readonly (readonly [string, string])[] = [],
): TopicCreationOptions {
  return { enable: true, default: { name: 'default', include: [], exclude: [], partitions, replicationFactor, configs }, groups: [] };
}

/** No topic.creation.* in the configuration. */
export const NO_CREATION: TopicCreationOptions = {
  enable: true,
  default: { name: 'default', include: [], exclude: [], partitions: undefined, replicationFactor: undefined, configs: [] },
  groups: [],
};

export type LogLine = { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly event: string; readonly fields: LogFields };

export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine['level']) =>
    (event: string, fields: LogFields = {}): void => {
      lines.push({ level, event, fields });
    };
  return { log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }, lines };
}

export type Publishing = {
  readonly client: KafkaClient;
  readonly publisher: Publisher;
  readonly failures: SlotlineError[];
  readonly lines: LogLine[];
  /** What maySend answers. */
  gate: { open: boolean };
  [Symbol.asyncDispose](): Promise<void>;
};

export function openPublishing(
  servers: string,
  o: {
    connection?: Partial<KafkaConnectionOptions>;
    producer?: Partial<ProducerOptions>;
    topics?: TopicCreationOptions;
    onAcknowledged?: () => void;
    identity?: ProducerIdentity;
  } = {},
): Publishing {
  const { log, lines } = recordingLog();
  const deps = { log, clock: SYSTEM_CLOCK, random: Math.random };
  const client = createKafkaClient(connectionOptions(servers, o.connection), deps);
  const failures: SlotlineError[] = [];
  const gate = { open: true };
  const parts = {
    fence: { maySend: () => gate.open },
    acknowledgements: { onAcknowledged: () => o.onAcknowledged?.(), onEnded() {} },
    onFailure: (error: SlotlineError) => {
      failures.push(error);
    },
  };
  const publisher = createPublisher(client, producerOptions(o.producer), o.topics ?? topicCreation(1), parts, {
    ...deps,
    ...(o.identity === undefined ? {} : { producerIdentity: o.identity }),
  });
  const dispose = async (): Promise<void> => {
    await publisher.close();
    await client.close();
  };
  return { client, publisher, failures, lines, gate, [Symbol.asyncDispose]: dispose };
}

const NO_HEADERS: Uint8Array = Uint8Array.of(0);

/**
 * A record from text; null is a null key or value. Dated now: a broker that restarts forgets a producer whose last record is older than
 * producer.id.expiration.ms by its own timestamp, and then takes a batch twice.
 */
export function recordOf(
  key: string | null,
  value: string | null,
  o: { headers?: Uint8Array; timestampMs?: number; partition?: number } = {},
): RecordView {
  const bytes = Buffer.from(`${key ?? ''}${value ?? ''}`);
  const keyBytes = Buffer.byteLength(key ?? '');
  return {
    bytes,
    keyStart: 0,
    keyEnd: key === null ? -1 : keyBytes,
    valueStart: keyBytes,
    valueEnd: value === null ? -1 : bytes.length,
    headers: o.headers ?? NO_HEADERS,
    timestampMs: o.timestampMs ?? Date.now(),
    partition: o.partition ?? -1,
  };
}
