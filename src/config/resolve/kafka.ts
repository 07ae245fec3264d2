/** Owns the resolved options of the Kafka client and producer and the rules between them. Security is security.ts. */

import type { KafkaConnectionOptions, ProducerOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { parseBootstrapServers } from '../table/kafka.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';
import { resolveSasl, resolveTls } from './security.ts';

/** The most requests to one broker for which an idempotent producer keeps order. */
const IN_FLIGHT_MAX = 5;

export function resolveKafka(values: OptionValues, report: ConfigReport, environment: ConfigEnvironment): KafkaConnectionOptions {
  const protocol = values.text('security.protocol');
  return {
    bootstrapServers: parseBootstrapServers(values.text('bootstrap.servers')) ?? [],
    clientId: values.text('client.id'),
    ...resolveTls(values, report, environment),
    tls: protocol.endsWith('SSL'),
    sasl: resolveSasl(values, report),
    requestTimeoutMs: values.integer('producer.request.timeout.ms'),
    connectTimeoutMs: values.integer('socket.connection.setup.timeout.ms'),
    metadataMaxAgeMs: values.integer('metadata.max.age.ms'),
  };
}

export function resolveProducer(values: OptionValues, report: ConfigReport): ProducerOptions {
  const acks = resolveAcks(values, report);
  const idempotence = resolveIdempotence(values, report, acks);
  const requestBytesMax = values.integer('producer.max.request.size');
  const lingerMs = values.integer('producer.linger.ms');
  const requestTimeoutMs = values.integer('producer.request.timeout.ms');
  return {
    acks,
    idempotence,
    maxInFlightPerConnection: resolveInFlight(values, report, idempotence),
    compression: values.oneOf('producer.compression.type', ['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    lingerMs,
    batchBytesMax: Math.min(values.integer('producer.batch.size'), requestBytesMax),
    requestBytesMax,
    deliveryTimeoutMs: resolveDeliveryTimeout(values, report, lingerMs + requestTimeoutMs),
    requestTimeoutMs,
    bufferBytesMax: resolveBufferBytes(values),
    bufferRecordsMax: resolveBufferRecords(values, report),
  };
}

function resolveAcks(values: OptionValues, report: ConfigReport): -1 | 0 | 1 {
  const text = values.text('producer.acks');
  const acks = text === '0' ? 0 : text === '1' ? 1 : -1;
  if (acks !== -1 && !values.flag('slotline.allow.loss')) {
    report.add(
      'invalid',
      values.keyOf('producer.acks'),
      'would lose records when a broker fails: use all, or set slotline.allow.loss=true',
    );
  }
  return acks;
}

/** As in Kafka: where idempotence is written, it must not contradict acks; where it is not, acks 0 and 1 turn it off. */
function resolveIdempotence(values: OptionValues, report: ConfigReport, acks: -1 | 0 | 1): boolean {
  if (!values.flag('producer.enable.idempotence')) return false;
  if (acks === -1) return true;
  if (values.given('producer.enable.idempotence')) {
    report.add('invalid', values.keyOf('producer.enable.idempotence'), 'needs producer.acks=all');
  }
  return false;
}

function resolveInFlight(values: OptionValues, report: ConfigReport, idempotence: boolean): number {
  const key = 'producer.max.in.flight.requests.per.connection';
  const max = values.integer(key);
  if (idempotence) {
    if (max > IN_FLIGHT_MAX)
      report.add('invalid', values.keyOf(key), `must be at most ${IN_FLIGHT_MAX} with idempotence: brokers keep order for no more`);
    return Math.min(max, IN_FLIGHT_MAX);
  }
  if (values.given(key) && max > 1)
    report.add('invalid', values.keyOf(key), 'must be 1 without idempotence: a retry would overtake later records of a key');
  return 1;
}

function resolveDeliveryTimeout(values: OptionValues, report: ConfigReport, leastMs: number): number {
  const key = 'producer.delivery.timeout.ms';
  const timeoutMs = values.integer(key);
  if (timeoutMs >= leastMs) return timeoutMs;
  if (values.given(key))
    report.add('invalid', values.keyOf(key), `must be at least producer.linger.ms + producer.request.timeout.ms = ${leastMs}`);
  return leastMs;
}

function resolveBufferBytes(values: OptionValues): number {
  const memory = values.integer('producer.buffer.memory');
  const queue = values.integer('max.queue.size.in.bytes');
  return queue === 0 ? memory : Math.min(memory, queue);
}

/** Where both options are written, Debezium's rule between them holds; max.batch.size alone has no effect here. */
function resolveBufferRecords(values: OptionValues, report: ConfigReport): number {
  const queue = values.integer('max.queue.size');
  const batch = Number(report.written('max.batch.size') ?? 0);
  if (values.given('max.queue.size') && queue <= batch) report.add('invalid', 'max.queue.size', 'must be larger than max.batch.size');
  return queue;
}
