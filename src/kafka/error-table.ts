/**
 * Owns the table of Kafka's error codes: what heals each of them, what Slotline does where it answers a batch, and which error it becomes
 * otherwise. docs/errors.md is generated from it. Pure data: protocol-errors.ts reads it.
 * Source: org.apache.kafka.common.protocol.Errors, version 4.1.
 */
import type { ErrorCode, Healing } from '../core/errors.ts';

/** What Slotline does with a batch that gets this answer. */
export type BatchEffect =
  /** The batch counts as written. */
  | 'written'
  /** The batch is sent again as it is, after fresh metadata, within producer.delivery.timeout.ms. */
  | 'again'
  /** The batch is sent again after its topic was looked for and, where it is gone, created again. */
  | 'reopen'
  /** The batch is cut into smaller ones; where it has a single record, the attempt ends. */
  | 'split'
  /** The attempt ends with the error. */
  | 'end';

export type KafkaErrorEntry = {
  readonly code: number;
  readonly name: string;
  readonly healing: Healing;
  readonly batch: BatchEffect;
  readonly becomes: ErrorCode;
  /** What the code means, where its name does not say it. */
  readonly note?: string;
};

function alone(code: number, name: string, note?: string): KafkaErrorEntry {
  return { code, name, healing: 'alone', batch: 'again', becomes: 'kafka_request_failed', ...(note === undefined ? {} : { note }) };
}

function person(code: number, name: string, becomes: ErrorCode, note?: string): KafkaErrorEntry {
  return { code, name, healing: 'person', batch: 'end', becomes, ...(note === undefined ? {} : { note }) };
}

function sequence(code: number, name: string, note: string): KafkaErrorEntry {
  return { code, name, healing: 'again', batch: 'end', becomes: 'kafka_sequence_broken', note };
}

function tooLarge(code: number, name: string, note: string): KafkaErrorEntry {
  return { code, name, healing: 'again', batch: 'split', becomes: 'kafka_record_too_large', note };
}

function missing(code: number, name: string, note: string): KafkaErrorEntry {
  return { code, name, healing: 'again', batch: 'reopen', becomes: 'kafka_topic_missing', note };
}

/** Codes that can answer what Slotline asks: Produce, Metadata, CreateTopics, DescribeConfigs, InitProducerId, ListOffsets, Fetch, SASL. */
export const KAFKA_ERRORS: readonly KafkaErrorEntry[] = [
  alone(-1, 'UNKNOWN_SERVER_ERROR', 'the broker met something that it did not expect'),
  { code: 0, name: 'NONE', healing: 'alone', batch: 'written', becomes: 'kafka_request_failed' },
  alone(1, 'OFFSET_OUT_OF_RANGE', 'the topic of offsets lost records while it was read'),
  alone(2, 'CORRUPT_MESSAGE', 'a checksum did not fit'),
  missing(3, 'UNKNOWN_TOPIC_OR_PARTITION', 'the topic was deleted, is not made yet, or the broker lags'),
  alone(5, 'LEADER_NOT_AVAILABLE'),
  alone(6, 'NOT_LEADER_OR_FOLLOWER'),
  alone(7, 'REQUEST_TIMED_OUT', 'too few replicas answered in time'),
  alone(8, 'BROKER_NOT_AVAILABLE'),
  alone(9, 'REPLICA_NOT_AVAILABLE'),
  tooLarge(10, 'MESSAGE_TOO_LARGE', 'above max.message.bytes, which may have been lowered'),
  alone(11, 'STALE_CONTROLLER_EPOCH'),
  alone(13, 'NETWORK_EXCEPTION'),
  alone(14, 'COORDINATOR_LOAD_IN_PROGRESS'),
  alone(15, 'COORDINATOR_NOT_AVAILABLE'),
  alone(16, 'NOT_COORDINATOR'),
  person(17, 'INVALID_TOPIC_EXCEPTION', 'kafka_topic_invalid', 'the name, or an internal topic'),
  tooLarge(18, 'RECORD_LIST_TOO_LARGE', 'above segment.bytes'),
  alone(19, 'NOT_ENOUGH_REPLICAS', 'fewer in sync than min.insync.replicas'),
  alone(20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'),
  person(21, 'INVALID_REQUIRED_ACKS', 'kafka_request_refused', 'producer.acks'),
  person(29, 'TOPIC_AUTHORIZATION_FAILED', 'kafka_unauthorized'),
  person(31, 'CLUSTER_AUTHORIZATION_FAILED', 'kafka_unauthorized', 'Create on the cluster, or IdempotentWrite on brokers before 2.8'),
  person(32, 'INVALID_TIMESTAMP', 'kafka_record_invalid', 'outside of message.timestamp.before.max.ms and after.max.ms: a clock is wrong'),
  person(33, 'UNSUPPORTED_SASL_MECHANISM', 'kafka_authentication_failed'),
  person(34, 'ILLEGAL_SASL_STATE', 'kafka_authentication_failed'),
  person(35, 'UNSUPPORTED_VERSION', 'kafka_request_refused', 'a broker before 2.8, or another server'),
  {
    code: 36,
    name: 'TOPIC_ALREADY_EXISTS',
    healing: 'alone',
    batch: 'again',
    becomes: 'kafka_topic_invalid',
    note: 'another made it meanwhile: it is used',
  },
  person(37, 'INVALID_PARTITIONS', 'kafka_topic_invalid'),
  person(38, 'INVALID_REPLICATION_FACTOR', 'kafka_topic_invalid', 'more than there are brokers at this moment'),
  person(39, 'INVALID_REPLICA_ASSIGNMENT', 'kafka_topic_invalid'),
  person(40, 'INVALID_CONFIG', 'kafka_topic_invalid', 'topic.creation.*'),
  alone(41, 'NOT_CONTROLLER'),
  person(42, 'INVALID_REQUEST', 'kafka_request_refused'),
  person(43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 'kafka_request_refused', 'the topic has message.format.version below 2.0'),
  person(44, 'POLICY_VIOLATION', 'kafka_topic_invalid', "the cluster's rules for topics"),
  sequence(
    45,
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'behind a failed batch it keeps the order and the batch is sent again; otherwise a broker lost state',
  ),
  {
    code: 46,
    name: 'DUPLICATE_SEQUENCE_NUMBER',
    healing: 'alone',
    batch: 'written',
    becomes: 'kafka_sequence_broken',
    note: 'a repeat of what is written',
  },
  sequence(47, 'INVALID_PRODUCER_EPOCH', 'a later attempt has written to the partition'),
  sequence(49, 'INVALID_PRODUCER_ID_MAPPING', 'the cluster forgot the producer'),
  alone(51, 'CONCURRENT_TRANSACTIONS'),
  person(54, 'SECURITY_DISABLED', 'kafka_request_refused'),
  alone(55, 'OPERATION_NOT_ATTEMPTED'),
  alone(56, 'KAFKA_STORAGE_ERROR', "a broker's disk failed or is read-only; another replica takes over"),
  alone(57, 'LOG_DIR_NOT_FOUND'),
  person(58, 'SASL_AUTHENTICATION_FAILED', 'kafka_authentication_failed'),
  sequence(59, 'UNKNOWN_PRODUCER_ID', 'the broker forgot the producer'),
  alone(60, 'REASSIGNMENT_IN_PROGRESS'),
  person(66, 'DELEGATION_TOKEN_EXPIRED', 'kafka_authentication_failed'),
  alone(72, 'LISTENER_NOT_FOUND', 'the leader has no listener of this name yet'),
  alone(74, 'FENCED_LEADER_EPOCH'),
  alone(75, 'UNKNOWN_LEADER_EPOCH'),
  person(76, 'UNSUPPORTED_COMPRESSION_TYPE', 'kafka_request_refused', 'producer.compression.type'),
  alone(77, 'STALE_BROKER_EPOCH'),
  alone(78, 'OFFSET_NOT_AVAILABLE'),
  alone(80, 'PREFERRED_LEADER_NOT_AVAILABLE'),
  alone(83, 'ELIGIBLE_LEADERS_NOT_AVAILABLE'),
  person(
    87,
    'INVALID_RECORD',
    'kafka_record_invalid',
    'a compacted topic takes no record without a key; a plug-in of the broker may refuse others',
  ),
  alone(89, 'THROTTLING_QUOTA_EXCEEDED', 'too many topics made within a short time'),
  sequence(90, 'PRODUCER_FENCED', 'a later attempt has written to the partition'),
  person(91, 'RESOURCE_NOT_FOUND', 'kafka_request_refused'),
  person(97, 'PRINCIPAL_DESERIALIZATION_FAILURE', 'kafka_request_refused', 'the broker could not pass the question on to the controller'),
  missing(100, 'UNKNOWN_TOPIC_ID', 'the topic was deleted, or made again'),
  missing(103, 'INCONSISTENT_TOPIC_ID', 'the topic was made again'),
  alone(104, 'INCONSISTENT_CLUSTER_ID'),
  alone(107, 'INELIGIBLE_REPLICA'),
  alone(108, 'NEW_LEADER_ELECTED'),
  alone(109, 'OFFSET_MOVED_TO_TIERED_STORAGE'),
  person(114, 'MISMATCHED_ENDPOINT_TYPE', 'kafka_request_refused', 'bootstrap.servers names a controller'),
  person(115, 'UNSUPPORTED_ENDPOINT_TYPE', 'kafka_request_refused', 'bootstrap.servers names a controller'),
  alone(129, 'REBOOTSTRAP_REQUIRED'),
];

/** Codes that answer only what Slotline never asks (groups, transactions, share groups, the brokers among themselves). */
export const FOREIGN_KAFKA_ERRORS: ReadonlyMap<number, string> = new Map([
  [4, 'INVALID_FETCH_SIZE'],
  [12, 'OFFSET_METADATA_TOO_LARGE'],
  [22, 'ILLEGAL_GENERATION'],
  [23, 'INCONSISTENT_GROUP_PROTOCOL'],
  [24, 'INVALID_GROUP_ID'],
  [25, 'UNKNOWN_MEMBER_ID'],
  [26, 'INVALID_SESSION_TIMEOUT'],
  [27, 'REBALANCE_IN_PROGRESS'],
  [28, 'INVALID_COMMIT_OFFSET_SIZE'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [48, 'INVALID_TXN_STATE'],
  [50, 'INVALID_TRANSACTION_TIMEOUT'],
  [52, 'TRANSACTION_COORDINATOR_FENCED'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  [61, 'DELEGATION_TOKEN_AUTH_DISABLED'],
  [62, 'DELEGATION_TOKEN_NOT_FOUND'],
  [63, 'DELEGATION_TOKEN_OWNER_MISMATCH'],
  [64, 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'],
  [65, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED'],
  [67, 'INVALID_PRINCIPAL_TYPE'],
  [68, 'NON_EMPTY_GROUP'],
  [69, 'GROUP_ID_NOT_FOUND'],
  [70, 'FETCH_SESSION_ID_NOT_FOUND'],
  [71, 'INVALID_FETCH_SESSION_EPOCH'],
  [73, 'TOPIC_DELETION_DISABLED'],
  [79, 'MEMBER_ID_REQUIRED'],
  [81, 'GROUP_MAX_SIZE_REACHED'],
  [82, 'FENCED_INSTANCE_ID'],
  [84, 'ELECTION_NOT_NEEDED'],
  [85, 'NO_REASSIGNMENT_IN_PROGRESS'],
  [86, 'GROUP_SUBSCRIBED_TO_TOPIC'],
  [88, 'UNSTABLE_OFFSET_COMMIT'],
  [92, 'DUPLICATE_RESOURCE'],
  [93, 'UNACCEPTABLE_CREDENTIAL'],
  [94, 'INCONSISTENT_VOTER_SET'],
  [95, 'INVALID_UPDATE_VERSION'],
  [96, 'FEATURE_UPDATE_FAILED'],
  [98, 'SNAPSHOT_NOT_FOUND'],
  [99, 'POSITION_OUT_OF_RANGE'],
  [101, 'DUPLICATE_BROKER_REGISTRATION'],
  [102, 'BROKER_ID_NOT_REGISTERED'],
  [105, 'TRANSACTIONAL_ID_NOT_FOUND'],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR'],
  [110, 'FENCED_MEMBER_EPOCH'],
  [111, 'UNRELEASED_INSTANCE_ID'],
  [112, 'UNSUPPORTED_ASSIGNOR'],
  [113, 'STALE_MEMBER_EPOCH'],
  [116, 'UNKNOWN_CONTROLLER_ID'],
  [117, 'UNKNOWN_SUBSCRIPTION_ID'],
  [118, 'TELEMETRY_TOO_LARGE'],
  [119, 'INVALID_REGISTRATION'],
  [120, 'TRANSACTION_ABORTABLE'],
  [121, 'INVALID_RECORD_STATE'],
  [122, 'SHARE_SESSION_NOT_FOUND'],
  [123, 'INVALID_SHARE_SESSION_EPOCH'],
  [124, 'FENCED_STATE_EPOCH'],
  [125, 'INVALID_VOTER_KEY'],
  [126, 'DUPLICATE_VOTER'],
  [127, 'VOTER_NOT_FOUND'],
  [128, 'INVALID_REGULAR_EXPRESSION'],
  [130, 'STREAMS_INVALID_TOPOLOGY'],
  [131, 'STREAMS_INVALID_TOPOLOGY_EPOCH'],
  [132, 'STREAMS_TOPOLOGY_FENCED'],
  [133, 'SHARE_SESSION_LIMIT_REACHED'],
]);
