/**
 * Owns the few calls of a schema registry's REST API that a producer needs (Confluent's API, which Apicurio, Karapace and Redpanda have too):
 * several addresses, retries, and what each failure means. Never changes a subject's configuration. Ids are asked for before the first
 * record of a relation version, never per row.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { SlotlineError } from '../core/errors.ts';
import type { RegistryOptions } from '../core/options.ts';
import { backoffMs } from '../core/retry.ts';
import { wait } from '../core/time.ts';
import type { SchemaType } from '../serde/registered-format.ts';
import { schemaDifferences } from './differences.ts';
import { type Answer, isNotFound, members, messageOf, refused, refuseUnusable, retryAfterMs, TOO_LONG, transportError } from './errors.ts';

export type RegisteredSchema = { readonly id: number; readonly version: number; readonly schema: string };

export type RegistryDeps = {
  readonly random: () => number;
  /** Called before each pause: the registry did not answer, or said that it cannot answer now. `question` identifies the question. */
  readonly onRetry: (error: SlotlineError, attempt: number, question: object) => void;
  /** Called when a question is answered, whether or not onRetry was called for it. */
  readonly onAnswered: (question: object) => void;
};

export type SubjectSchema = { readonly subject: string; readonly schema: string; readonly type?: SchemaType };

/** All answers are shorter: the schema of 1,600 columns has about 400 kB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** How often a conflict is asked about again. A request that was given up ends at the registry within seconds; a real conflict stays. */
const CONFLICTS_MAX = 4;
/** A registry that answered within this time cannot have been restarted since: none starts faster. */
const QUIET_MS = 2_000;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

type Exchanged = { readonly status: number; readonly text: string; readonly retryAfter: string | undefined };
type Call = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: object };

export class SchemaRegistry implements AsyncDisposable {
  readonly #options: RegistryOptions;
  readonly #deps: RegistryDeps;
  readonly #agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly #ids = new Map<string, { readonly id: number; readonly wanted: SubjectSchema }>();
  /** Index of the address that answered last. */
  #current = 0;
  #answeredAtMs = Number.POSITIVE_INFINITY;
  /** A question had to be retried since the known ids were last compared. */
  #wasAway = false;
  /** Questions that were retried and never answered. They show as waiting until the registry answers another question. */
  #unanswered: object[] = [];

  constructor(options: RegistryOptions, deps: RegistryDeps) {
    this.#options = options;
    this.#deps = deps;
    const { tls } = options;
    this.#agents = {
      http: new HttpAgent({ keepAlive: true }),
      https: new HttpsAgent({
        keepAlive: true,
        ...(tls.caPem !== undefined && { ca: tls.caPem }),
        ...(tls.certPem !== undefined && { cert: tls.certPem }),
        ...(tls.keyPem !== undefined && { key: tls.keyPem }),
        ...(tls.keyPassword !== undefined && { passphrase: tls.keyPassword }),
        ...(!tls.verifyHostname && { checkServerIdentity: () => undefined }),
      }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  /** The id of the schema under the subject. Registers it if it is new there. Throws registry_incompatible, registry_invalid_schema. */
  async register(wanted: SubjectSchema, signal: AbortSignal): Promise<number> {
    return await this.#cached(`register ${wanted.subject} ${wanted.schema}`, { wanted, signal }, async () => {
      for (let attempt = 1; ; attempt++) {
        const answer = await this.#postVersion(wanted, signal);
        if (answer.status === 200) return idOf(answer, wanted.subject);
        if (answer.status !== 409) throw refused(answer, wanted.subject);
        const id = await this.#idDespiteConflict(wanted, { answer, isLast: attempt > CONFLICTS_MAX }, signal);
        if (id !== undefined) return id;
        await wait(backoffMs(attempt, this.#deps.random()), signal);
      }
    });
  }

  #postVersion(wanted: SubjectSchema, signal: AbortSignal): Promise<Answer> {
    return this.#call({ method: 'POST', path: this.#subjectPath(wanted.subject, '/versions'), body: schemaBody(wanted) }, signal);
  }

  /** The id of the schema under the subject; undefined if it is not registered there. */
  async lookup(wanted: SubjectSchema, signal: AbortSignal): Promise<number | undefined> {
    return await this.#cached(`lookup ${wanted.subject} ${wanted.schema}`, { wanted, signal }, () => this.#lookUp(wanted, signal));
  }

  async #lookUp(wanted: SubjectSchema, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#call({ method: 'POST', path: this.#subjectPath(wanted.subject, ''), body: schemaBody(wanted) }, signal);
    if (isNotFound(answer)) return undefined;
    if (answer.status !== 200) throw refused(answer, wanted.subject);
    return idOf(answer, wanted.subject);
  }

  /** The subject's latest version; undefined if it has none. Not cached, because others register too. */
  async latest(subject: string, signal: AbortSignal): Promise<RegisteredSchema | undefined> {
    const answer = await this.#call({ method: 'GET', path: this.#subjectPath(subject, '/versions/latest') }, signal);
    if (isNotFound(answer)) return undefined;
    if (answer.status !== 200) throw refused(answer, subject);
    const { version, schema } = members(answer.body);
    if (typeof version !== 'number' || typeof schema !== 'string') throw refused(answer, subject);
    return { id: idOf(answer, subject), version, schema };
  }

  /** The text of a schema. Throws registry_schema_missing. */
  async schemaOf(id: number, signal: AbortSignal): Promise<string> {
    const answer = await this.#call({ method: 'GET', path: `/schemas/ids/${id}` }, signal);
    if (isNotFound(answer)) throw new SlotlineError('registry_schema_missing', { id });
    const { schema } = members(answer.body);
    if (answer.status !== 200 || typeof schema !== 'string') throw refused(answer, undefined);
    return schema;
  }

  /** Whether the subject's rules accept the schema; true if there is no version yet. Changes nothing. */
  async isCompatible(wanted: SubjectSchema, signal: AbortSignal): Promise<boolean> {
    const path = `/compatibility${this.#subjectPath(wanted.subject, '/versions/latest')}`;
    const answer = await this.#call({ method: 'POST', path, body: schemaBody(wanted) }, signal);
    if (isNotFound(answer)) return true;
    const { is_compatible: isCompatible } = members(answer.body);
    if (answer.status !== 200 || typeof isCompatible !== 'boolean') throw refused(answer, wanted.subject);
    return isCompatible;
  }

  #subjectPath(subject: string, rest: string): string {
    const normalize = this.#options.normalizeSchemas && rest !== '/versions/latest' ? '?normalize=true' : '';
    return `/subjects/${encodeURIComponent(subject)}${rest}${normalize}`;
  }

  async #cached<T extends number | undefined>(
    key: string,
    { wanted, signal }: { readonly wanted: SubjectSchema; readonly signal: AbortSignal },
    ask: () => Promise<T>,
  ): Promise<T | number> {
    const known = this.#ids.get(key);
    if (known !== undefined) return known.id;
    const wasQuiet = performance.now() - this.#answeredAtMs > QUIET_MS;
    const id = await ask();
    if (wasQuiet || this.#wasAway) await this.#compareKnown(signal);
    if (id === undefined) return id;
    this.#ids.set(key, { id, wanted });
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > this.#options.cacheMax && oldest !== undefined) this.#ids.delete(oldest);
    return id;
  }

  /**
   * Checks that the registry still has an id that we know. A registry that lost its data gives other ids. Records with the known ones could
   * then not be read, or would be read wrongly. Throws registry_data_lost.
   */
  async #compareKnown(signal: AbortSignal): Promise<void> {
    const [known] = this.#ids.values();
    // We may be allowed to register but not to read, so a refusal proves nothing.
    const refusal = (error: unknown): boolean => {
      if (error instanceof SlotlineError && error.code !== 'registry_unreachable') return true;
      throw error;
    };
    if (known !== undefined && !(await this.#stillHas(known, signal).catch(refusal)))
      throw new SlotlineError('registry_data_lost', { subject: known.wanted.subject, id: known.id });
    this.#wasAway = false;
  }

  /** Looks by the subject, then by the id: not every registry finds every schema by its text. */
  async #stillHas({ id, wanted }: { readonly id: number; readonly wanted: SubjectSchema }, signal: AbortSignal): Promise<boolean> {
    if ((await this.#lookUp(wanted, signal)) === id) return true;
    const answer = await this.#call({ method: 'GET', path: `/schemas/ids/${id}` }, signal);
    const { schema } = members(answer.body);
    return answer.status === 200 && typeof schema === 'string' && isSameText(schema, wanted.schema);
  }

  /**
   * A conflict does not always mean that the schema does not fit. Some registries also answer so while another request registers the same
   * schema: one of another process, or one of ours that was given up but still runs there. Returns undefined to try again when nothing says
   * that the schema does not fit. If the registry repeats the conflict, it counts. Throws registry_incompatible.
   */
  async #idDespiteConflict(
    wanted: SubjectSchema,
    { answer, isLast }: { readonly answer: Answer; readonly isLast: boolean },
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const id = await this.#lookUp(wanted, signal).catch(() => undefined);
    if (id !== undefined) return id;
    const latest = await this.latest(wanted.subject, signal);
    if (!isLast && (latest === undefined || (await this.isCompatible(wanted, signal).catch(() => false)))) return undefined;
    throw new SlotlineError('registry_incompatible', {
      subject: wanted.subject,
      version: latest?.version,
      fields: latest === undefined ? undefined : schemaDifferences({ registered: latest.schema, wanted: wanted.schema, type: wanted.type }),
      message: messageOf(answer.body),
    });
  }

  /** One answer, from the first address that gives one. Throws registry_unreachable, registry_unauthorized, registry_tls_failed. */
  async #call(call: Call, signal: AbortSignal): Promise<Answer> {
    const startedMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#askEach(call, signal);
        this.#answeredAtMs = performance.now();
        this.#tellAnswered(call);
        return answer;
      } catch (error) {
        const isAway = error instanceof SlotlineError && error.code === 'registry_unreachable' && !signal.aborted;
        const pauseMs = Math.max(backoffMs(attempt, this.#deps.random()), askedPauseMs(error));
        if (!isAway || performance.now() - startedMs + pauseMs > this.#options.retryForMs) {
          if (attempt > 1) this.#unanswered.push(call);
          throw error;
        }
        this.#wasAway = true;
        this.#deps.onRetry(error, attempt, call);
        await wait(pauseMs, signal);
      }
    }
  }

  /** Reports as answered this question, and those that were given up. Others still wait. */
  #tellAnswered(call: Call): void {
    const over = [...this.#unanswered, call];
    this.#unanswered = [];
    for (const question of over) this.#deps.onAnswered(question);
  }

  async #askEach(call: Call, signal: AbortSignal): Promise<Answer> {
    const { urls } = this.#options;
    for (let tried = 0; ; tried++) {
      const index = (this.#current + tried) % urls.length;
      try {
        const answer = await this.#ask(urls[index] ?? '', call, signal);
        this.#current = index;
        return answer;
      } catch (error) {
        const isLast = tried + 1 >= urls.length;
        if (isLast || signal.aborted || !(error instanceof SlotlineError) || error.code !== 'registry_unreachable') throw error;
      }
    }
  }

  async #ask(url: string, call: Call, signal: AbortSignal): Promise<Answer> {
    const shown = withoutUser(url);
    const { status, text, retryAfter } = await this.#exchange(url, call, signal).catch((error: unknown) => {
      throw transportError(error, shown);
    });
    const answer = { status, body: parsed(text), url: shown, retryAfterMs: retryAfterMs(retryAfter, Date.now()) };
    refuseUnusable(answer);
    return answer;
  }

  #exchange(base: string, call: Call, signal: AbortSignal): Promise<Exchanged> {
    const url = new URL(base.replace(/(?<!\/)\/+$/, '') + call.path);
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const isTls = url.protocol === 'https:';
    const options: RequestOptions = {
      method: call.method,
      agent: isTls ? this.#agents.https : this.#agents.http,
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#options.requestTimeoutMs)]),
      headers: { ...this.#headers(url), ...(body !== undefined && { 'content-type': CONTENT_TYPE, 'content-length': body.length }) },
    };
    url.username = '';
    url.password = '';
    const { promise, resolve, reject } = Promise.withResolvers<Exchanged>();
    const request = (isTls ? httpsRequest : httpRequest)(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      readAll(response).then((text) => resolve({ status, text, retryAfter: headers['retry-after'] }), reject);
    });
    request.on('error', reject);
    request.end(body);
    return promise;
  }

  #headers(url: URL): Record<string, string> {
    const { basicAuth, bearerToken } = this.#options;
    const headers: Record<string, string> = { accept: `${CONTENT_TYPE}, application/json` };
    const inUrl = url.username === '' ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    const credentials = basicAuth ?? inUrl;
    if (bearerToken !== undefined) headers['authorization'] = `Bearer ${bearerToken}`;
    else if (credentials !== undefined) headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
    return headers;
  }
}

/** The pause that the registry asked for by Retry-After; 0: none. */
function askedPauseMs(error: unknown): number {
  const asked = error instanceof SlotlineError ? error.details.retryAfterMs : undefined;
  return typeof asked === 'number' ? asked : 0;
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes: Buffer = chunk;
    length += bytes.length;
    if (length > ANSWER_BYTES_MAX) throw Object.assign(new Error('answer is too long'), { code: TOO_LONG });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function schemaBody({ schema, type }: SubjectSchema): object {
  return type === undefined || type === 'AVRO' ? { schema } : { schemaType: type, schema };
}

/** True when the texts are equal; in JSON, spaces do not count. */
function isSameText(one: string, other: string): boolean {
  return one === other || (parsed(one) !== undefined && JSON.stringify(parsed(one)) === JSON.stringify(parsed(other)));
}

function idOf(answer: Answer, subject: string): number {
  const { id } = members(answer.body);
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 0x7fff_ffff) throw refused(answer, subject);
  return id;
}

/** The address without user and password, for logs and errors. */
function withoutUser(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href;
}
