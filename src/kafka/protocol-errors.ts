/**
 * Owns the meaning of Kafka's error codes (by error-table.ts) and of connection failures: which are retried, and which SlotlineError they become.
 * Does not retry, and does not know the Kafka library: its errors are recognised by their `code` strings.
 */
import { type ErrorDetails, SlotlineError } from '../core/errors.ts';
import { FOREIGN_KAFKA_ERRORS, KAFKA_ERRORS, type KafkaErrorEntry } from './error-table.ts';

/** The codes that the program compares with by name. */
export const KAFKA_CODE = {
  NONE: 0,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  TOPIC_ALREADY_EXISTS: 36,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  UNKNOWN_TOPIC_ID: 100,
} as const;

const BY_CODE: ReadonlyMap<number, KafkaErrorEntry> = new Map(KAFKA_ERRORS.map((entry) => [entry.code, entry]));

/** The table's entry of a code. For an unknown code the question is asked again, within the same bounds as for codes that pass by themselves. */
export function kafkaErrorEntry(code: number): KafkaErrorEntry {
  const known = BY_CODE.get(code);
  if (known !== undefined) return known;
  const name = FOREIGN_KAFKA_ERRORS.get(code) ?? `code ${code}`;
  return { code, name, healing: 'again', batch: 'again', becomes: 'kafka_request_failed' };
}

/** The protocol's name of a code, for details and logs. */
function kafkaCodeName(code: number): string {
  return kafkaErrorEntry(code).name;
}

/** True where asking again helps: a leader moves, a replica comes back, a broker restarts. */
export function isRetriableCode(code: number): boolean {
  return code !== KAFKA_CODE.NONE && kafkaErrorEntry(code).healing !== 'person';
}

/** A code in a broker's reply as an error. `reason` is the broker's own message: it never holds record contents. */
export function kafkaCodeError(code: number, details: ErrorDetails, reason?: string | null): SlotlineError {
  const { becomes, name } = kafkaErrorEntry(code);
  return new SlotlineError(becomes, { ...details, error: name, reason: reason ?? undefined });
}

/** The same for a question that can be asked again: for a retriable code the error is one that untilAnswered() repeats. */
export function kafkaAnswerError(code: number, details: ErrorDetails, reason?: string | null): SlotlineError {
  if (!isRetriableCode(code)) return kafkaCodeError(code, details, reason);
  return new SlotlineError('kafka_request_failed', { ...details, error: kafkaCodeName(code), reason: reason ?? undefined });
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

/** The error and its causes, outermost first, and the parts of an AggregateError. Bounded, because causes may be circular. */
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
