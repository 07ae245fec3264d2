/**
 * Owns the way from what PostgreSQL, the socket or TLS says to a SlotlineError: by SQLSTATE and errno, because message
 * texts are translated by lc_messages. Does not decide about retries (core/errors.ts, pipeline/life/connector-state.ts).
 *
 * Only the primary message of the server is kept: DETAIL and CONTEXT quote rows and parameters.
 * Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
 */
import { type ErrorCode, type ErrorDetails, SlotlineError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import { type ErrorSubject, stateEntry } from './sqlstate-table.ts';

/** The server and login of a session; every error has it in its details. */
export type ServerAddress = {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
};

type ServerErrorFields = { readonly sqlState: string; readonly message: string };

/**
 * The body of an ErrorResponse that our own reader met, as a SlotlineError; `details.slot` makes it an error about a slot,
 * `details.publication` one about the publication of a stream that runs.
 * Byte1 field type, String value, …, a final zero byte. Source: PostgreSQL manual, "Message Formats", ErrorResponse.
 */
export function serverError(body: Uint8Array, details: ErrorDetails): SlotlineError {
  const fields = fieldsOf(body);
  const found = { sqlState: fields.get('C') ?? '', message: fields.get('M') ?? '' };
  const subject = details.publication !== undefined ? 'publication' : details.slot !== undefined ? 'slot' : 'other';
  const code = codeOfState(found, subject);
  // A running stream looks up the publication as it was at each change. It does not help that the publication exists now.
  return new SlotlineError(code === 'publication_missing' ? 'publication_gap' : code, { ...details, ...sayable(code, found) });
}

/** A NoticeResponse: a message of the server that ends nothing. */
export type ServerNotice = {
  /** WARNING, NOTICE, INFO …, not translated. */
  readonly severity: string;
  readonly sqlState: string;
  /** In the language of lc_messages. */
  readonly message: string;
  /** The server's function that sent it; tells notices apart where the SQLSTATE does not. */
  readonly routine: string;
  /** The position of the reader at that time; 0: not known. */
  readonly lsn: Lsn;
};

/** The body of a NoticeResponse has the fields of an ErrorResponse. */
export function noticeOf(body: Uint8Array, lsn: Lsn): ServerNotice {
  const fields = fieldsOf(body);
  const text = (field: string): string => fields.get(field) ?? '';
  return { severity: fields.get('V') ?? text('S'), sqlState: text('C'), message: text('M'), routine: text('R'), lsn };
}

function fieldsOf(body: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const field of Buffer.from(body).toString('utf8').split('\0')) fields.set(field.slice(0, 1), field.slice(1));
  return fields;
}

/** Anything that `pg`, a socket or TLS threw, as a SlotlineError. `opening`: the session was not usable yet. */
export function connectionError(
  error: unknown,
  context: { readonly address: ServerAddress; readonly opening: boolean; readonly subject?: ErrorSubject },
): SlotlineError {
  if (error instanceof SlotlineError) return error;
  const { address, opening } = context;
  const code = codeField(error);
  if (isSqlState(code, error)) {
    const fields = { sqlState: code, message: messageOf(error) };
    const known = opening && isWithoutConversion(fields) ? 'pg_encoding_unsupported' : codeOfState(fields, context.subject ?? 'other');
    return new SlotlineError(known, { ...address, ...sayable(known, fields) }, { cause: error });
  }
  const details = { ...address, message: messageOf(error) };
  if (isSaslError(error)) return new SlotlineError('pg_authentication_failed', details, { cause: error });
  if (isTlsCode(code)) return new SlotlineError('pg_tls_failed', details, { cause: error });
  return new SlotlineError(opening ? 'pg_unreachable' : 'pg_connection_lost', details, { cause: error });
}

/** Leaves out a message that quotes a value: of bytes that the server cannot convert. */
function sayable(code: ErrorCode, fields: ServerErrorFields): Partial<ServerErrorFields> {
  return code === 'pg_text_untranslatable' ? { sqlState: fields.sqlState } : fields;
}

/** feature_not_supported at login: the database's encoding has no conversion to the one that every session asks for. Names of encodings are never translated. */
function isWithoutConversion({ sqlState, message }: ServerErrorFields): boolean {
  return sqlState === '0A000' && message.includes('UTF8');
}

/** True for an error after which the session is gone: the server said that it closes, or there is no server any more. */
export function endsSession(error: SlotlineError): boolean {
  if (error.code === 'pg_connection_lost' || error.code === 'pg_shutting_down') return true;
  const state = error.details.sqlState;
  return typeof state === 'string' && SESSION_ENDING_STATES.has(state);
}

/** idle_in_transaction_session_timeout, transaction_timeout, idle_session_timeout, crash of a sibling. */
const SESSION_ENDING_STATES = new Set(['25P03', '25P04', '57P05', '57P02']);

function codeOfState({ sqlState, message }: ServerErrorFields, subject: ErrorSubject): ErrorCode {
  return stateEntry(sqlState, message, subject).becomes;
}

/** `pg` marks an ErrorResponse with its severity; errno names such as EPIPE have five characters too. */
function isSqlState(code: string | undefined, error: unknown): code is string {
  return code !== undefined && error instanceof Error && 'severity' in error;
}

function isTlsCode(code: string | undefined): boolean {
  return code !== undefined && (/^(?:ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|CRL_)/.test(code) || TLS_CODES.has(code));
}

/** OpenSSL's verification errors as Node names them. */
const TLS_CODES = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

/** `pg` throws plain errors when SCRAM goes wrong on our side: no password, a server that cannot prove itself. */
function isSaslError(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('SASL:');
}

function codeField(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((one) => messageOf(one)).join('; ');
  }
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  return String(error);
}
