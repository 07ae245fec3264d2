/** Owns the form of a recorded case, and what follows from a case alone: its servers, its topics, its end. Files are case-store.ts's. */

import { DEBEZIUM_VERSION } from '../../scripts/stack.ts';

/** Bytes that are not UTF-8 are kept in base64. */
export type RecordedText = string | { readonly base64: string } | null;

export type GoldenRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly key: RecordedText;
  readonly value: RecordedText;
  readonly headers: readonly (readonly [name: string, value: RecordedText])[];
  /** In milliseconds; a recorded case has it where a transform sets it. */
  readonly timestamp?: number;
};

/** A PostgreSQL server by what it is for: two majors, and those that have an extension. */
export type CaseServer = 14 | 18 | 'postgis' | 'pgvector';

/** By `schema.table`, then by column: the type as the server names it. */
export type CaseColumns = Record<string, Record<string, string>>;

export type GoldenCase = {
  readonly name: string;
  /** Recorded on this server, and replayed on it only. Without it: recorded on 18, replayed on 18 and 14. */
  readonly server?: CaseServer;
  readonly settings: Readonly<Record<string, string>>;
  readonly setup: readonly string[];
  /** False where no rows were to be read before streaming. */
  readonly snapshot?: boolean;
  /** Each step is one transaction. */
  readonly steps: readonly (readonly string[])[];
  readonly columns?: CaseColumns;
  /** Regular expressions of whole names: topics of the case that do not begin with the prefix. */
  readonly topics?: readonly string[];
  /** Whether the records have their timestamps. */
  readonly timestamps?: true;
  readonly records: readonly GoldenRecord[];
};

/** A case without schemas and the same with them: one run of the database serves both. */
export type CaseGroup = { readonly name: string; readonly cases: readonly GoldenCase[] };

export const SCHEMAS_SUFFIX = '.schemas';

/** The run id that the recorded headers name; the replay is given the same. */
export function recordedRunId(golden: GoldenCase): string {
  for (const { headers } of golden.records) {
    const header = headers.find(([name]) => name === '__debezium.context.runId');
    if (typeof header?.[1] === 'string') return header[1];
  }
  return '00000000-0000-0000-0000-000000000000';
}

export function recordedVersion(golden: GoldenCase): string {
  for (const { value } of golden.records) {
    const found = typeof value === 'string' ? /"source":\{"version":"([^"]*)"/.exec(value) : null;
    if (found?.[1] !== undefined) return found[1];
  }
  return DEBEZIUM_VERSION; // transforms may have removed it
}

export function topicPrefix(golden: GoldenCase): string {
  return golden.settings['topic.prefix'] ?? '';
}

/** The servers that a case is replayed on. */
export function serversOf(golden: GoldenCase): readonly CaseServer[] {
  return golden.server === undefined ? [18, 14] : [golden.server];
}

/** Whether a topic holds records of this case, and not of its twin with schemas. */
export function isTopicOf(golden: GoldenCase, topic: string): boolean {
  const prefix = topicPrefix(golden);
  const delimiter = golden.settings['topic.delimiter'] ?? '.';
  // Messages go to the literal `.message`, whatever the delimiter.
  if (isHeartbeatTopic(golden, topic) || topic === `${prefix}.message`) return true;
  if (golden.topics?.some((regex) => new RegExp(`^(?:${regex})$`).test(topic))) return true;
  return topic.startsWith(prefix + delimiter) && !topic.startsWith(`${prefix}_schemas${delimiter}`);
}

export function isHeartbeatTopic({ settings, ...golden }: GoldenCase, topic: string): boolean {
  const name = settings['topic.heartbeat.name'];
  const prefix = settings['topic.heartbeat.prefix'] ?? '__debezium-heartbeat';
  return topic === (name ?? [prefix, topicPrefix({ settings, ...golden })].join(settings['topic.delimiter'] ?? '.'));
}

/** Before such a step everything so far must have been read: a table's description is taken from the live catalog. */
export function isDdl(statement: string): boolean {
  return /^\s*(create|alter|drop|comment)/i.test(statement);
}

const END_PREFIX = 'golden_end';
/** A transactional logical message closes every recording and every replay. */
export const END_STATEMENT = `select pg_logical_emit_message(true, '${END_PREFIX}', '')`;

/** Whether the closing message is an event of the case. Where it is none, a recording ends when nothing more comes. */
export function hasEndMessage({ settings }: GoldenCase): boolean {
  return settings['message.prefix.include.list'] === undefined && !settings['message.prefix.exclude.list']?.includes(END_PREFIX);
}

/** The records without what the closing message brought: itself and the BEGIN and END of its transaction. */
export function withoutEnd(records: readonly GoldenRecord[]): GoldenRecord[] {
  const end = records.find(isEnd);
  const xid = /"txId":(\d+)/.exec(String(end?.value))?.[1];
  const isEndStatus = ({ key }: GoldenRecord): boolean => xid !== undefined && new RegExp(`"id":"${xid}:\\d+"`).test(String(key));
  return records.filter((record) => !isEnd(record) && !isEndStatus(record));
}

export function isEnd({ key }: GoldenRecord): boolean {
  return typeof key === 'string' && key.includes(`"prefix":"${END_PREFIX}"`);
}
