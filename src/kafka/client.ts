/**
 * Owns the boundary to the Kafka library: it is the only file that imports it. It opens one connection (TCP, TLS, SASL), makes the
 * calls of client-contract.ts over it, and lends the functions that compress and sum bytes. Does not own which broker to talk to, nor any
 * retry: cluster.ts and sender.ts do. The library's own clients (Producer, Consumer, Admin) are not used.
 */
import { isIP } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  AuthenticationError,
  type Callback,
  Connection,
  type ConnectionOptions,
  compressionsAlgorithms,
  crc32c,
  createTopicsV7,
  describeConfigsV4,
  fetchV12,
  initProducerIdV4,
  listOffsetsV7,
  metadataV12,
  protocolErrorsCodesById,
  type SASLCustomAuthenticator,
  type SASLOptions,
  type saslAuthenticateV2,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
  Writer,
} from '@platformatic/kafka';
import { SlotlineError } from '../core/errors.ts';
import type { KafkaConnectionOptions } from '../core/options.ts';
import { orAborted } from '../core/scope.ts';
import type { Clock } from '../core/time.ts';
import type {
  BatchCodec,
  BrokerConnection,
  ClusterMetadata,
  Endpoint,
  FetchedPartition,
  FetchedRecord,
  MetadataRequest,
  NamedConfigs,
  NewTopic,
  TopicResult,
} from './client-contract.ts';
import { createCluster, type KafkaClient, type KafkaDeps } from './cluster.ts';
import { oauthTokenSource } from './oauth.ts';
import { ProduceChannel } from './producer/produce-channel.ts';
import { connectionError } from './protocol-errors.ts';

/**
 * The library looks up each error code of a reply in its own table. A code that it does not find (from a newer broker) would become a
 * TypeError in place of the reply. So that table gets a prototype that has a name for every number; our own code reads the number.
 */
Object.setPrototypeOf(protocolErrorsCodesById, new Proxy({}, { get: () => 'UNKNOWN_SERVER_ERROR' }));

export type { KafkaClient, KafkaDeps } from './cluster.ts';

export function createKafkaClient(options: KafkaConnectionOptions, deps: KafkaDeps): KafkaClient {
  const sasl = saslSetup(options);
  const connect = (endpoint: Endpoint, signal: AbortSignal): Promise<BrokerConnection> =>
    openConnection(endpoint, options, { sasl, clock: deps.clock, signal });
  return createCluster(options, deps, connect, CODEC);
}

const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';
const RESOURCE_TOPIC = 2;
const RESOURCE_BROKER = 4;
const ISOLATION_READ_UNCOMMITTED = 0;
const TIMESTAMP_LATEST = -1n;
const TIMESTAMP_EARLIEST = -2n;
const FETCH_BYTES_MAX = 4 * 1024 * 1024;
const FETCH_WAIT_MS = 250;
/** zstd's default level 3 costs half as much again for 5 % fewer bytes of JSON. */
const ZSTD_LEVEL = 1;
const BATCH_IS_CONTROL = 1 << 5;

const CODEC: BatchCodec = {
  // Wrapped, the native function reads the bytes in place; handed a plain Buffer the library copies it first.
  crc32c: (bytes) => crc32c(Writer.create().append(bytes).dynamicBuffer),
  compress(type, bytes) {
    if (type === 'gzip') return gzipSync(bytes);
    if (type === 'zstd') return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } });
    return compressionsAlgorithms[type].compressSync(bytes);
  },
  decompress: (type, bytes) => compressionsAlgorithms[type].decompressSync(bytes),
};

/** The last session lifetime that a broker granted, per connection. */
type Sessions = WeakMap<Connection, number>;
type SaslSetup = { readonly options: SASLOptions; readonly sessions: Sessions } | undefined;

function saslSetup(options: KafkaConnectionOptions): SaslSetup {
  if (options.sasl === undefined) return undefined;
  const { mechanism, username = '', password = '' } = options.sasl;
  const sessions: Sessions = new WeakMap();
  const authenticate = authenticator(sessions);
  if (mechanism === 'OAUTHBEARER') return { options: { mechanism, token: oauthTokenSource(options.sasl), authenticate }, sessions };
  return { options: { mechanism, username, password, authenticate }, sessions };
}

/**
 * The library re-authenticates inside a session by interleaving with requests in flight, which brokers refuse. So the lifetime is taken
 * out of the reply here, and the owner of the connection opens a new one in time (sessionEndsAtMs).
 */
function authenticator(sessions: Sessions): SASLCustomAuthenticator {
  return (mechanism, connection, api, username, password, token, done) => {
    const settle: Callback<saslAuthenticateV2.SaslAuthenticateResponse> = (error, response) => {
      if (error !== null || response === undefined) return done(error ?? new AuthenticationError('No answer to the SASL login.'));
      // A refused token is answered by a first reply that holds the reason instead of being empty (RFC 7628 §3.2.2).
      if (mechanism === 'OAUTHBEARER' && response.authBytes.length > 0)
        return done(new AuthenticationError('The broker refused the token.'));
      sessions.set(connection, Number(response.sessionLifetimeMs));
      done(null, { ...response, sessionLifetimeMs: 0n });
    };
    if (mechanism === 'OAUTHBEARER') saslOAuthBearer.authenticate(api, connection, token ?? '', {}, settle);
    else if (mechanism === 'PLAIN') saslPlain.authenticate(api, connection, username ?? '', password ?? '', settle);
    else {
      const algorithm = mechanism === 'SCRAM-SHA-512' ? 'SHA-512' : 'SHA-256';
      saslScramSha.authenticate(api, connection, algorithm, username ?? '', password ?? '', saslScramSha.defaultCrypto, settle);
    }
  };
}

function tlsOptions(options: KafkaConnectionOptions): TlsOptions | undefined {
  if (!options.tls) return undefined;
  const tls: TlsOptions = { rejectUnauthorized: true };
  if (options.tlsCaPem !== undefined) tls.ca = options.tlsCaPem;
  if (options.tlsCertPem !== undefined) tls.cert = options.tlsCertPem;
  if (options.tlsKeyPem !== undefined) tls.key = options.tlsKeyPem;
  if (options.tlsKeyPassword !== undefined) tls.passphrase = options.tlsKeyPassword;
  if (!options.tlsVerifyHostname) tls.checkServerIdentity = () => undefined;
  return tls;
}

async function openConnection(
  endpoint: Endpoint,
  options: KafkaConnectionOptions,
  { sasl, clock, signal }: { readonly sasl: SaslSetup; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<BrokerConnection> {
  const tls = tlsOptions(options);
  const settings: ConnectionOptions = {
    connectTimeout: options.connectTimeoutMs,
    // Every call has a bound of its own; this one is a last resort.
    requestTimeout: options.requestTimeoutMs * 2,
    maxInflights: 64,
    ...(tls === undefined ? {} : { tls, ...(isIP(endpoint.host) === 0 ? { tlsServerName: endpoint.host } : {}) }),
    ...(sasl === undefined ? {} : { sasl: sasl.options }),
  };
  const connection = new Connection(options.clientId, settings);
  // Without a listener an 'error' event would end the process.
  let socketError: unknown;
  connection.on('error', (error) => {
    socketError ??= error;
  });
  try {
    const connecting = Promise.resolve(connection.connect(endpoint.host, endpoint.port));
    // The library may never settle the promise of a destroyed connection.
    connecting.catch(() => {});
    await withDeadline(orAborted(connecting, signal), options.connectTimeoutMs + 250);
  } catch (error) {
    destroySocket(connection);
    throw connectionError(socketError ?? error, { host: endpoint.host, port: endpoint.port });
  }
  const lifetimeMs = sasl?.sessions.get(connection) ?? 0;
  const sessionEndsAtMs = lifetimeMs > 0 ? clock.monotonicMs() + lifetimeMs * 0.8 : Number.POSITIVE_INFINITY;
  return new LibraryConnection(connection, { endpoint, sessionEndsAtMs, clientId: options.clientId });
}

/** Rejects after `ms`, because a promise of the library alone may never settle. */
function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(Object.assign(new Error(`no answer within ${ms} ms`), { code: 'ETIMEDOUT' })), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function destroySocket(connection: Connection): void {
  // Before connect() has made a socket there is none, whatever the type says.
  const socket: Connection['socket'] | undefined = connection.socket;
  socket?.destroy();
}

class LibraryConnection implements BrokerConnection {
  readonly endpoint: Endpoint;
  readonly sessionEndsAtMs: number;
  readonly #connection: Connection;
  readonly #clientId: string;
  #closeListeners: ((error: unknown) => void)[] = [];
  #closed = false;
  #error: unknown;
  #produceChannel: ProduceChannel | undefined;

  constructor(connection: Connection, o: { endpoint: Endpoint; sessionEndsAtMs: number; clientId: string }) {
    this.#connection = connection;
    this.endpoint = o.endpoint;
    this.sessionEndsAtMs = o.sessionEndsAtMs;
    this.#clientId = o.clientId;
    connection.on('error', (error) => {
      this.#error ??= error;
    });
    connection.on('close', () => this.#onClosed());
  }

  get closed(): boolean {
    return this.#closed || !this.#connection.isConnected();
  }

  onClose(listener: (error: unknown) => void): void {
    this.#closeListeners.push(listener);
  }

  destroy(): void {
    destroySocket(this.#connection);
    this.#onClosed();
  }

  #onClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    const listeners = this.#closeListeners;
    this.#closeListeners = [];
    for (const listener of listeners) listener(this.#failure(new Error('Connection closed')));
  }

  #failure(error: unknown): SlotlineError {
    return connectionError(this.#error ?? error, { host: this.endpoint.host, port: this.endpoint.port });
  }

  produce(parts: readonly Uint8Array[], noReply: boolean, done: (body: Uint8Array | undefined) => void): void {
    this.#produceChannel ??= new ProduceChannel(this.#connection.socket, this.#clientId);
    this.#produceChannel.send(parts, noReply ? undefined : done);
    if (noReply) done(undefined);
  }

  /** One call of the library, bounded by an own clock. A reply that carries error codes is returned, not thrown: the caller reads the codes. */
  #call<T>(timeoutMs: number, send: (done: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.destroy();
        reject(this.#failure(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })));
      }, timeoutMs);
      send((error, reply) => {
        clearTimeout(timer);
        const answered = error === null ? reply : replyWithCodes<T>(error);
        if (answered === undefined) reject(this.#failure(error));
        else resolve(answered);
      });
    });
  }

  async metadata(request: MetadataRequest, timeoutMs: number): Promise<ClusterMetadata> {
    const topics = request.topics === null ? null : [...request.topics];
    const withOperations = request.includeAuthorizedOperations === true;
    const reply = await this.#call<metadataV12.MetadataResponse>(timeoutMs, (done) =>
      metadataV12.api(this.#connection, topics, request.allowAutoTopicCreation, withOperations, done),
    );
    return toClusterMetadata(reply, withOperations);
  }

  initProducerId(timeoutMs: number): Promise<{ producerId: bigint; producerEpoch: number; errorCode: number }> {
    return this.#call(timeoutMs, (done) => initProducerIdV4.api(this.#connection, null, 0x7fffffff, undefined, undefined, done));
  }

  async createTopics(
    topics: readonly NewTopic[],
    timeoutMs: number,
    { validateOnly } = { validateOnly: false },
  ): Promise<readonly TopicResult[]> {
    const wanted = topics.map((topic) => ({
      name: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      assignments: [],
      configs: topic.configs.map(([name, value]) => ({ name, value })),
    }));
    type Reply = { topics: { name: string; errorCode: number; errorMessage: string | null | undefined }[] };
    const reply = await this.#call<Reply>(timeoutMs, (done) => createTopicsV7.api(this.#connection, wanted, timeoutMs, validateOnly, done));
    return reply.topics.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage: errorMessage ?? undefined }));
  }

  describeTopicConfigs(topics: readonly string[], keys: readonly string[] | null, timeoutMs: number): Promise<readonly NamedConfigs[]> {
    const of = topics.map((resourceName) => ({ resourceType: RESOURCE_TOPIC, resourceName }));
    return this.#describeConfigs(of, keys, timeoutMs);
  }

  describeBrokerConfigs(nodeId: number, keys: readonly string[], timeoutMs: number): Promise<readonly NamedConfigs[]> {
    return this.#describeConfigs([{ resourceType: RESOURCE_BROKER, resourceName: String(nodeId) }], keys, timeoutMs);
  }

  async #describeConfigs(
    of: readonly { readonly resourceType: number; readonly resourceName: string }[],
    keys: readonly string[] | null,
    timeoutMs: number,
  ): Promise<readonly NamedConfigs[]> {
    const resources = of.map((one) => ({ ...one, configurationKeys: keys === null ? null : [...keys] }));
    type Config = { name: string; value?: string | null | undefined };
    type Reply = { results: { resourceName: string; errorCode: number; errorMessage?: string | null | undefined; configs: Config[] }[] };
    // The resource type is a union of literals in the library's types.
    const reply = await this.#call<Reply>(timeoutMs, (done) =>
      describeConfigsV4.api(this.#connection, resources as never, false, false, done),
    );
    return reply.results.map((result) => ({
      name: result.resourceName,
      errorCode: result.errorCode,
      errorMessage: result.errorMessage ?? undefined,
      configs: new Map(result.configs.map((config) => [config.name, config.value ?? ''])),
    }));
  }

  endOffset(topic: string, partition: number, timeoutMs: number): Promise<{ errorCode: number; offset: number }> {
    return this.#offsetAt(topic, partition, TIMESTAMP_LATEST, timeoutMs);
  }

  startOffset(topic: string, partition: number, timeoutMs: number): Promise<{ errorCode: number; offset: number }> {
    return this.#offsetAt(topic, partition, TIMESTAMP_EARLIEST, timeoutMs);
  }

  async #offsetAt(topic: string, partition: number, timestamp: bigint, timeoutMs: number): Promise<{ errorCode: number; offset: number }> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }] }];
    type Reply = { topics: { partitions: { errorCode: number; offset: bigint }[] }[] };
    const reply = await this.#call<Reply>(timeoutMs, (done) =>
      listOffsetsV7.api(this.#connection, -1, ISOLATION_READ_UNCOMMITTED, topics, done),
    );
    const answer = reply.topics[0]?.partitions[0];
    if (answer === undefined) throw new SlotlineError('kafka_reply_incomplete', { topic, partition });
    return { errorCode: answer.errorCode, offset: Number(answer.offset) };
  }

  async fetch(topic: string, partition: number, offset: number, timeoutMs: number): Promise<FetchedPartition> {
    const position = {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: FETCH_BYTES_MAX,
    };
    const topics = [{ topicId: topic, partitions: [position] }];
    type Reply = { errorCode: number; responses: { partitions: fetchV12.FetchResponsePartition[] }[] };
    const reply = await this.#call<Reply>(timeoutMs, (done) =>
      fetchV12.api(this.#connection, FETCH_WAIT_MS, 1, FETCH_BYTES_MAX, ISOLATION_READ_UNCOMMITTED, 0, -1, topics, [], '', done),
    );
    const answer = reply.responses[0]?.partitions[0];
    if (answer === undefined) throw new SlotlineError('kafka_reply_incomplete', { topic, partition });
    return toFetched(answer, offset);
  }
}

/** The library throws a reply that holds error codes, with the reply inside. */
function replyWithCodes<T>(error: unknown): T | undefined {
  if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'PLT_KFK_RESPONSE') return undefined;
  return Reflect.get(error, 'response') as T | undefined;
}

function toClusterMetadata(reply: metadataV12.MetadataResponse, withOperations: boolean): ClusterMetadata {
  return {
    clusterId: reply.clusterId ?? undefined,
    controllerId: reply.controllerId,
    brokers: reply.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
    topics: reply.topics.map((topic) => ({
      name: topic.name ?? '',
      topicId: topic.topicId === NO_TOPIC_ID ? undefined : topic.topicId,
      errorCode: topic.errorCode,
      authorizedOperations: withOperations ? topic.topicAuthorizedOperations : undefined,
      partitions: topic.partitions.map((partition) => ({
        index: partition.partitionIndex,
        errorCode: partition.errorCode,
        leaderId: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        inSyncReplicas: partition.isrNodes,
      })),
    })),
  };
}

function toFetched(answer: fetchV12.FetchResponsePartition, from: number): FetchedPartition {
  const records: FetchedRecord[] = [];
  let nextOffset = from;
  for (const batch of answer.records ?? []) {
    const first = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, first + batch.lastOffsetDelta + 1);
    if ((batch.attributes & BATCH_IS_CONTROL) !== 0) continue;
    for (const record of batch.records) {
      const offset = first + record.offsetDelta;
      const timestampMs = Number(batch.firstTimestamp + record.timestampDelta);
      if (offset >= from) records.push({ offset, key: record.key ?? undefined, value: record.value ?? undefined, timestampMs });
    }
  }
  return { errorCode: answer.errorCode, records, nextOffset };
}
