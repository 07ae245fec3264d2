/**
 * Owns the meaning of Kafka's error codes and of connection failures: which are retried, and which SlotlineError they become.
 * Does not retry, and does not know the Kafka library: its errors are recognised by their `code` strings.
 */
import { type ErrorCode, type ErrorDetails, SlotlineError } from '../core/errors.ts';

/** Codes of the Kafka protocol that Slotline names. */
export const KAFKA_CODE = {
  NONE: 0,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  THROTTLING_QUOTA_EXCEEDED: 89,
} as const;

const NAMES = new Map<number, string>(Object.entries(KAFKA_CODE).map(([name, code]) => [code, name]));

/** The protocol's name of a code, for details and logs. */
export function kafkaCodeName(code: number): string {
  return NAMES.get(code) ?? `code ${code}`;
}

/** Failures that pass by themselves: a leader moves, a replica comes back, a broker restarts. */
const RETRIABLE: ReadonlySet<number> = new Set([
  KAFKA_CODE.CORRUPT_MESSAGE,
  KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA_CODE.LEADER_NOT_AVAILABLE,
  KAFKA_CODE.NOT_LEADER_OR_FOLLOWER,
  KAFKA_CODE.REQUEST_TIMED_OUT,
  KAFKA_CODE.BROKER_NOT_AVAILABLE,
  KAFKA_CODE.REPLICA_NOT_AVAILABLE,
  KAFKA_CODE.NETWORK_EXCEPTION,
  KAFKA_CODE.COORDINATOR_LOAD_IN_PROGRESS,
  KAFKA_CODE.COORDINATOR_NOT_AVAILABLE,
  KAFKA_CODE.NOT_ENOUGH_REPLICAS,
  KAFKA_CODE.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  KAFKA_CODE.NOT_CONTROLLER,
  KAFKA_CODE.KAFKA_STORAGE_ERROR,
  KAFKA_CODE.FENCED_LEADER_EPOCH,
  KAFKA_CODE.UNKNOWN_LEADER_EPOCH,
  KAFKA_CODE.THROTTLING_QUOTA_EXCEEDED,
]);

export function isRetriableCode(code: number): boolean {
  return RETRIABLE.has(code);
}

const CODE_MEANING: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [KAFKA_CODE.MESSAGE_TOO_LARGE, 'kafka_record_too_large'],
  [KAFKA_CODE.RECORD_LIST_TOO_LARGE, 'kafka_record_too_large'],
  [KAFKA_CODE.TOPIC_AUTHORIZATION_FAILED, 'kafka_unauthorized'],
  [KAFKA_CODE.CLUSTER_AUTHORIZATION_FAILED, 'kafka_unauthorized'],
  [KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION, 'kafka_topic_missing'],
  [KAFKA_CODE.INVALID_TOPIC_EXCEPTION, 'kafka_topic_invalid'],
  [KAFKA_CODE.INVALID_PARTITIONS, 'kafka_topic_invalid'],
  [KAFKA_CODE.INVALID_REPLICATION_FACTOR, 'kafka_topic_invalid'],
  [KAFKA_CODE.INVALID_REPLICA_ASSIGNMENT, 'kafka_topic_invalid'],
  [KAFKA_CODE.INVALID_CONFIG, 'kafka_topic_invalid'],
  [KAFKA_CODE.POLICY_VIOLATION, 'kafka_topic_invalid'],
  [KAFKA_CODE.OUT_OF_ORDER_SEQUENCE_NUMBER, 'kafka_sequence_broken'],
  [KAFKA_CODE.UNKNOWN_PRODUCER_ID, 'kafka_sequence_broken'],
  [KAFKA_CODE.INVALID_PRODUCER_EPOCH, 'kafka_sequence_broken'],
]);

/** A code in a broker's reply as an error. `reason` is the broker's own message: it never holds record contents. */
export function kafkaCodeError(code: number, details: ErrorDetails, reason?: string | null): SlotlineError {
  const meaning = CODE_MEANING.get(code) ?? 'kafka_request_failed';
  return new SlotlineError(meaning, { ...details, error: kafkaCodeName(code), reason: reason ?? undefined });
}

const AUTHENTICATION_API_IDS: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);
const NETWORK_CODE = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|EADDR)/;
const TLS_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|ERR_CRYPTO|HOSTNAME_MISMATCH)/;
const TLS_TEXT = /secure TLS connection|TLS handshake failed|requires TLS|certificate|PEM/i;

type Link = { code: string; apiId: string; message: string; slotline: SlotlineError | undefined };

/** A failed connection attempt or a broken connection: kafka_tls_failed, kafka_authentication_failed or kafka_unreachable. */
export function connectionError(error: unknown, details: ErrorDetails): SlotlineError {
  const chain = causeChain(error);
  const own = chain.find((link) => link.slotline !== undefined)?.slotline;
  if (own !== undefined) return own;
  const innermost = chain.at(-1);
  const withReason = { ...details, reason: innermost === undefined ? String(error) : reasonOf(innermost) };
  if (chain.some((link) => TLS_CODE.test(link.code) || TLS_TEXT.test(link.message)))
    return new SlotlineError('kafka_tls_failed', withReason, { cause: error });
  if (chain.some((link) => AUTHENTICATION_API_IDS.has(link.apiId)))
    return new SlotlineError('kafka_authentication_failed', withReason, { cause: error });
  if (chain.some((link) => NETWORK_CODE.test(link.code) || link.message === 'Connection closed'))
    return new SlotlineError('kafka_unreachable', withReason, { cause: error });
  if (chain.some((link) => link.code === 'PLT_KFK_AUTHENTICATION'))
    return new SlotlineError('kafka_authentication_failed', withReason, { cause: error });
  return new SlotlineError('kafka_unreachable', withReason, { cause: error });
}

function reasonOf(link: Link): string {
  return link.code !== '' && !link.message.includes(link.code) && !link.code.startsWith('PLT_')
    ? `${link.message} (${link.code})`
    : link.message;
}

/** The error and its causes, outermost first; of an AggregateError the parts. Bounded, for a cause may be circular. */
function causeChain(error: unknown): Link[] {
  const links: Link[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && links.length < 16) {
    const next = open.shift();
    if (!(next instanceof Error)) continue;
    links.push({
      code: textField(next, 'code'),
      apiId: textField(next, 'apiId'),
      message: textField(next, 'serverErrorMessage') || next.message || textField(next, 'code'),
      slotline: next instanceof SlotlineError ? next : undefined,
    });
    if (next instanceof AggregateError) open.push(...next.errors);
    if (next.cause !== undefined) open.push(next.cause);
  }
  return links;
}

function textField(holder: Error, name: string): string {
  const value: unknown = Reflect.get(holder, name);
  return typeof value === 'string' ? value : '';
}
