/**
 * Owns what each answer of a schema registry means: the table by HTTP status and error_code, from which docs/errors.md is generated, and the
 * error that a failed exchange becomes. Does not ask the registry and does not retry (schema-registry.ts).
 * Source: Confluent Schema Registry's REST API and its io.confluent.kafka.schemaregistry.rest.exceptions.Errors.
 */
import { type ErrorCode, type Healing, SlotlineError } from '../core/errors.ts';

type RegistryEntry = {
  /** The row is for HTTP statuses `from` to `to`. */
  readonly from: number;
  readonly to: number;
  /** error_code values of the body. undefined: any body. */
  readonly errorCodes?: readonly number[];
  readonly healing: Healing;
  /** 'answer': the registry answered the question. */
  readonly becomes: ErrorCode | 'answer';
  readonly note: string;
};

/** The first row that matches counts. */
export const REGISTRY_ANSWERS: readonly RegistryEntry[] = [
  { from: 200, to: 200, healing: 'alone', becomes: 'answer', note: 'a body that is none of the API is registry_bad_answer' },
  { from: 401, to: 401, healing: 'person', becomes: 'registry_unauthorized', note: 'credentials that are wrong or have run out' },
  { from: 403, to: 403, healing: 'person', becomes: 'registry_unauthorized', note: 'a right that is missing' },
  {
    from: 404,
    to: 404,
    errorCodes: [40401, 40402, 40403, 40404, 40406],
    healing: 'alone',
    becomes: 'answer',
    note: 'subject, version or schema is not there, or was deleted',
  },
  { from: 404, to: 404, healing: 'person', becomes: 'registry_bad_answer', note: 'of a proxy, or of another server or path' },
  { from: 407, to: 407, healing: 'person', becomes: 'registry_unauthorized', note: 'a proxy wants a login' },
  { from: 408, to: 408, healing: 'alone', becomes: 'registry_unreachable', note: 'too slow' },
  {
    from: 409,
    to: 409,
    healing: 'person',
    becomes: 'registry_incompatible',
    note: 'asked again first: some registries call a schema so that is being registered at this moment',
  },
  { from: 413, to: 413, healing: 'person', becomes: 'registry_refused', note: 'the schema is larger than the registry or a proxy takes' },
  { from: 421, to: 421, healing: 'alone', becomes: 'registry_unreachable', note: 'the wrong server of several' },
  {
    from: 422,
    to: 422,
    errorCodes: [42205],
    healing: 'person',
    becomes: 'registry_refused',
    note: 'subject or registry is in a mode that takes no schema (READONLY, IMPORT)',
  },
  {
    from: 422,
    to: 422,
    errorCodes: [42206, 42207, 42208],
    healing: 'person',
    becomes: 'registry_refused',
    note: 'references, ids or subjects that contradict each other',
  },
  { from: 422, to: 422, healing: 'person', becomes: 'registry_invalid_schema', note: 'the schema is invalid (42201)' },
  { from: 425, to: 425, healing: 'alone', becomes: 'registry_unreachable', note: 'too early' },
  { from: 429, to: 429, healing: 'alone', becomes: 'registry_unreachable', note: 'too many questions; Retry-After is honoured' },
  {
    from: 500,
    to: 599,
    healing: 'alone',
    becomes: 'registry_unreachable',
    note: 'its store (50001), a timeout (50002), no leader (50003, 50004), a proxy; Retry-After is honoured',
  },
];

/** All else: redirects, requests that the server rejects, unknown statuses. */
const OTHERS: Omit<RegistryEntry, 'from' | 'to'> = { healing: 'person', becomes: 'registry_bad_answer', note: 'no answer of the API' };

export function registryEntry(status: number, errorCode: number | undefined): RegistryEntry {
  const row = REGISTRY_ANSWERS.find(
    ({ from, to, errorCodes }) =>
      status >= from && status <= to && (errorCodes === undefined || (errorCode !== undefined && errorCodes.includes(errorCode))),
  );
  return row ?? { from: status, to: status, ...OTHERS };
}

/** `retryAfterMs`: the pause that the registry asked for; undefined: none. */
export type Answer = { readonly status: number; readonly body: unknown; readonly url: string; readonly retryAfterMs: number | undefined };

/** Throws the error of an answer that says nothing about the question. This is the same for every question. */
export function refuseUnusable(answer: Answer): void {
  const { becomes } = entryOf(answer);
  if (becomes === 'registry_unauthorized' || becomes === 'registry_unreachable') throw refused(answer, undefined);
}

/** The error of an answer that does not say what was asked. */
export function refused(answer: Answer, subject: string | undefined): SlotlineError {
  const { becomes } = entryOf(answer);
  const { url, status, retryAfterMs } = answer;
  const code = becomes === 'answer' ? 'registry_bad_answer' : becomes;
  return new SlotlineError(code, {
    subject,
    url,
    status,
    errorCode: errorCodeOf(answer.body),
    message: messageOf(answer.body),
    retryAfterMs,
  });
}

/** The subject, the version or the schema does not exist. */
export function isNotFound(answer: Answer): boolean {
  return answer.status === 404 && entryOf(answer).becomes === 'answer';
}

function entryOf({ status, body }: Answer): RegistryEntry {
  return registryEntry(status, errorCodeOf(body));
}

export function members(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
}

function errorCodeOf(body: unknown): number | undefined {
  const { error_code: code } = members(body);
  return typeof code === 'number' ? code : undefined;
}

const MESSAGE_CHARS_MAX = 300;

export function messageOf(body: unknown): string | undefined {
  const { message } = members(body);
  return typeof message === 'string' ? message.slice(0, MESSAGE_CHARS_MAX) : undefined;
}

const RETRY_AFTER_MAX_MS = 30_000;

/** Reads a Retry-After header: seconds or a date. Bounded, so that a registry cannot stop a connector for long. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : /^[A-Z][a-z]{2},/.test(header) ? Date.parse(header) - nowMs : Number.NaN;
  return Number.isFinite(ms) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms)) : undefined;
}

export const TOO_LONG = 'ANSWER_TOO_LONG';
const TLS_FAILURE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|ERR_OSSL)/;

/** The error when no whole answer came. */
export function transportError(error: unknown, url: string): SlotlineError {
  const { code, message, name } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error), name: '' };
  if (code !== undefined && TLS_FAILURE.test(code))
    return new SlotlineError('registry_tls_failed', { url, reason: code }, { cause: error });
  if (code === TOO_LONG) return new SlotlineError('registry_bad_answer', { url, reason: message }, { cause: error });
  const isTimeout = code === 'ABORT_ERR' || name === 'TimeoutError';
  const reason = isTimeout ? 'timeout' : (code ?? message.slice(0, MESSAGE_CHARS_MAX));
  return new SlotlineError('registry_unreachable', { url, reason }, { cause: error });
}
