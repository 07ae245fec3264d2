/**
 * Owns the way to the cluster: which brokers are known, one control connection that moves to another broker when its own fails, and
 * the questions asked over it (metadata, topics, configs). Does not own produce connections (broker-link.ts) or retry policy beyond
 * trying each known broker once per call; `untilAnswered` is the one waiting loop, for callers that wait for Kafka.
 */
import { SlotlineError, toSlotlineError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { KafkaConnectionOptions } from '../core/options.ts';
import { orAborted } from '../core/scope.ts';
import { type Clock, wait } from '../core/time.ts';
import type {
  BatchCodec,
  BrokerAddress,
  BrokerConnection,
  ClusterMetadata,
  ConnectBroker,
  Endpoint,
  MetadataRequest,
} from './client-contract.ts';
import { connectionError, KAFKA_CODE, kafkaCodeError } from './protocol-errors.ts';

export type KafkaDeps = { readonly log: Log; readonly clock: Clock; readonly random: () => number };

type ClusterDescription = {
  readonly clusterId: string | undefined;
  readonly controllerId: number;
  readonly brokers: readonly BrokerAddress[];
};

export type TopicDescription = {
  readonly name: string;
  readonly exists: boolean;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** How many partitions have no leader now. */
  readonly leaderless: number;
  /** Every topic-level config by name; empty where DescribeConfigs is not granted. */
  readonly configs: ReadonlyMap<string, string>;
  /** False: this principal may not write. undefined: the broker does not say. */
  readonly mayWrite: boolean | undefined;
  /** kafka_unauthorized, kafka_topic_invalid … where the broker refused the question. A topic that does not exist is no error here. */
  readonly error: SlotlineError | undefined;
};

export interface KafkaClient {
  readonly options: KafkaConnectionOptions;
  readonly codec: BatchCodec;
  /** Why Kafka is waited for; undefined while it answers. */
  readonly trouble: SlotlineError | undefined;
  /** Asks any broker; learns the brokers from the answer. Throws kafka_unreachable after each known broker failed once. */
  metadata(request: MetadataRequest): Promise<ClusterMetadata>;
  /** Runs `ask` over the control connection, over another broker's if that breaks. */
  control<T>(ask: (connection: BrokerConnection) => Promise<T>): Promise<T>;
  /** Opens a connection that the caller owns. */
  connect(endpoint: Endpoint): Promise<BrokerConnection>;
  /** The address of a broker as last learned. */
  brokerAddress(nodeId: number): BrokerAddress | undefined;
  /** Repeats `ask` with backoff until it succeeds, `signal` aborts, or it fails with an error that a person must mend. One log line per state change. */
  untilAnswered<T>(what: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T>;
  /** Reports that something waits for Kafka and repeats its question itself, such as a batch that brokers refuse for now. It counts as `trouble` until forget(). */
  tell(of: object, what: string, trouble: SlotlineError): void;
  /** Ends what tell() began. `answered`: Kafka has answered; else nobody waits for the answer any more. */
  forget(of: object, o: { readonly answered: boolean }): void;
  /** Tries once. Throws SlotlineError. */
  describeCluster(): Promise<ClusterDescription>;
  describeTopic(name: string): Promise<TopicDescription>;
  /** A setting of one broker; as a rule all brokers have the same. Undefined where DescribeConfigs of the cluster is not granted. */
  brokerSetting(name: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A frozen broker still accepts connections, so a short question moves on to the next broker soon. */
const QUESTION_TIMEOUT_MS = 3_000;
/** A question that Kafka puts off is reported after this time; one that nobody answers is reported at once. */
const QUIET_MS = 2_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const ACL_WRITE_BIT = 1 << 4;
/** INT32_MIN: the broker was not asked, or does not say. */
const OPERATIONS_UNKNOWN = -0x8000_0000;

export function createCluster(options: KafkaConnectionOptions, deps: KafkaDeps, connect: ConnectBroker, codec: BatchCodec): KafkaClient {
  return new Cluster(options, deps, connect, codec);
}

type Question = { readonly what: string };

class Cluster implements KafkaClient {
  readonly options: KafkaConnectionOptions;
  readonly codec: BatchCodec;
  readonly #deps: KafkaDeps;
  readonly #connect: ConnectBroker;
  readonly #brokers = new Map<number, BrokerAddress>();
  #control: BrokerConnection | undefined;
  /** The connection that is being opened; several callers share one attempt. */
  #opening: Promise<BrokerConnection> | undefined;
  #nextCandidate = 0;
  #closed = false;
  /** For each question that waits: why it has to be asked again. */
  readonly #troubles = new Map<object, SlotlineError>();
  readonly #closing = new AbortController();
  #hasAnswered = false;

  constructor(options: KafkaConnectionOptions, deps: KafkaDeps, connect: ConnectBroker, codec: BatchCodec) {
    this.options = options;
    this.#deps = deps;
    this.#connect = connect;
    this.codec = codec;
  }

  get trouble(): SlotlineError | undefined {
    const [trouble] = this.#troubles.values();
    return trouble;
  }

  brokerAddress(nodeId: number): BrokerAddress | undefined {
    return this.#brokers.get(nodeId);
  }

  connect(endpoint: Endpoint): Promise<BrokerConnection> {
    return this.#connect(endpoint, this.#closing.signal);
  }

  async metadata(request: MetadataRequest): Promise<ClusterMetadata> {
    const reply = await this.control((connection) => connection.metadata(request, this.#questionTimeoutMs()));
    this.#learn(reply.brokers);
    return reply;
  }

  #questionTimeoutMs(): number {
    return Math.min(QUESTION_TIMEOUT_MS, this.options.requestTimeoutMs);
  }

  /** A broker that metadata does not list may only be down. Its address is kept, because it may be the first to come back. */
  #learn(brokers: readonly BrokerAddress[]): void {
    for (const broker of brokers) this.#brokers.set(broker.nodeId, broker);
  }

  async control<T>(ask: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const triesMax = this.#candidates().length + 1;
    for (let tried = 1; ; tried++) {
      const connection = await this.#controlConnection();
      try {
        return await ask(connection);
      } catch (error) {
        const broken = connection.closed || !(error instanceof SlotlineError);
        if (this.#control === connection && broken) {
          this.#control = undefined;
          connection.destroy();
        }
        if (!broken || this.#closed || tried >= triesMax) throw toSlotlineError(error);
      }
    }
  }

  async #controlConnection(): Promise<BrokerConnection> {
    if (this.#closed) throw new SlotlineError('kafka_unreachable', { reason: 'the client is closed' });
    const current = this.#control;
    if (current !== undefined && !current.closed && this.#deps.clock.monotonicMs() < current.sessionEndsAtMs) return current;
    this.#control = undefined;
    current?.destroy();
    this.#opening ??= this.#openControl().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** All known brokers and the bootstrap servers, each address once. */
  #candidates(): Endpoint[] {
    const byAddress = new Map<string, Endpoint>();
    for (const endpoint of [...this.#brokers.values(), ...this.options.bootstrapServers])
      byAddress.set(`${endpoint.host} ${endpoint.port}`, endpoint);
    return [...byAddress.values()];
  }

  /** Tries the candidates in turn, beginning after the last one tried. A refused login is thrown at once: no other broker will differ. */
  async #openControl(): Promise<BrokerConnection> {
    const candidates = this.#candidates();
    let failure: SlotlineError | undefined;
    for (let i = 0; i < candidates.length; i++) {
      const endpoint = candidates[this.#nextCandidate++ % candidates.length];
      if (endpoint === undefined || this.#closed) break;
      try {
        const connection = await this.#connect(endpoint, this.#closing.signal);
        this.#control = connection;
        if (this.#closed) connection.destroy();
        return connection;
      } catch (error) {
        failure = connectionError(error, { host: endpoint.host, port: endpoint.port });
        if (failure.code !== 'kafka_unreachable') throw failure;
      }
    }
    throw failure ?? new SlotlineError('kafka_unreachable', { reason: 'no bootstrap server' });
  }

  async untilAnswered<T>(what: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const question = { what };
    try {
      return await this.#askAgain(question, signal, ask);
    } finally {
      this.#troubles.delete(question);
    }
  }

  async #askAgain<T>(question: Question, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const sinceMs = this.#deps.clock.monotonicMs();
    let last: SlotlineError | undefined;
    for (let attempt = 0; ; attempt++) {
      try {
        // `ask` has bounds of its own; a stop does not wait for them.
        const answer = await orAborted(ask(), signal);
        this.#hasAnswered = true;
        this.forget(question, { answered: true });
        return answer;
      } catch (thrown) {
        if (signal.aborted) throw last ?? givenUp(question.what, signal);
        const error = toSlotlineError(thrown);
        last = error;
        // Once Kafka has answered, a TLS handshake that is cut short means a broker that shuts down, not a wrong setting.
        const passes = error.retry === 'auto' || (error.code === 'kafka_tls_failed' && this.#hasAnswered);
        if (!passes || this.#closed) throw error;
        // A topic that was just created shows up a little later; that is not worth a line.
        const isNews = error.code === 'kafka_unreachable' || this.#deps.clock.monotonicMs() - sinceMs > QUIET_MS;
        if (isNews) this.tell(question, question.what, error);
        const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 6)) * (0.75 + this.#deps.random() / 4);
        await wait(pauseMs, signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** Logs one line for all questions that wait at the same time. An answer to another question does not end this trouble. */
  tell(of: object, what: string, trouble: SlotlineError): void {
    if (this.#troubles.size === 0) this.#deps.log.warn('kafka.waiting', { code: trouble.code, what, error: trouble.message });
    if (!this.#troubles.has(of)) this.#troubles.set(of, trouble);
  }

  forget(of: object, { answered }: { readonly answered: boolean }): void {
    const wasLast = this.#troubles.delete(of) && this.#troubles.size === 0;
    if (wasLast && answered) this.#deps.log.info('kafka.answers_again');
  }

  async describeCluster(): Promise<ClusterDescription> {
    const { clusterId, controllerId, brokers } = await this.metadata({ topics: [], allowAutoTopicCreation: false });
    return { clusterId, controllerId, brokers };
  }

  async describeTopic(name: string): Promise<TopicDescription> {
    const reply = await this.metadata({ topics: [name], allowAutoTopicCreation: false, includeAuthorizedOperations: true });
    const topic = reply.topics.find((candidate) => candidate.name === name);
    const code = topic?.errorCode ?? KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION;
    const exists = topic !== undefined && (code === KAFKA_CODE.NONE || code === KAFKA_CODE.LEADER_NOT_AVAILABLE);
    const refused = !exists && code !== KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION;
    const operations = topic?.authorizedOperations ?? OPERATIONS_UNKNOWN;
    return {
      name,
      exists,
      partitions: topic?.partitions.length ?? 0,
      replicationFactor: topic?.partitions[0]?.replicas.length ?? 0,
      leaderless: topic?.partitions.filter((partition) => partition.leaderId < 0).length ?? 0,
      configs: exists ? await this.#topicConfigs(name) : new Map(),
      mayWrite: operations === OPERATIONS_UNKNOWN || !exists ? undefined : (operations & ACL_WRITE_BIT) !== 0,
      error: refused ? kafkaCodeError(code, { topic: name }) : undefined,
    };
  }

  async brokerSetting(name: string): Promise<string | undefined> {
    const { brokers } = await this.describeCluster();
    const [broker] = brokers;
    if (broker === undefined) return undefined;
    const connection = await this.connect(broker);
    try {
      const [answer] = await connection.describeBrokerConfigs(broker.nodeId, [name], this.#questionTimeoutMs());
      return answer?.configs.get(name);
    } finally {
      connection.destroy();
    }
  }

  async #topicConfigs(name: string): Promise<ReadonlyMap<string, string>> {
    const results = await this.control((connection) => connection.describeTopicConfigs([name], null, this.#questionTimeoutMs()));
    return results[0]?.configs ?? new Map();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort(new SlotlineError('kafka_unreachable', { reason: 'the client is closed' }));
    this.#control?.destroy();
    this.#control = undefined;
  }
}

function givenUp(what: string, signal: AbortSignal): SlotlineError {
  if (signal.reason instanceof SlotlineError) return signal.reason;
  return new SlotlineError('kafka_unreachable', { reason: `${what} was not answered in time` });
}
