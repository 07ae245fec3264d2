/**
 * Owns the stored offset: its fields, and its key and value as Kafka Connect writes them (JsonConverter without schemas). Pure. Does not
 * own where it is kept (store.ts) nor what a position means for the stream (continuity.ts).
 *
 * Key: `["<connector name>",{"server":"<topic.prefix>"}]` of the one task that Debezium has as well; another task's names it beside the
 * server (`slotline_task`). Value: one JSON object; Debezium's field names, and Slotline's own, which begin
 * with `slotline_`: numbers and texts only, as Connect asks for; Debezium passes over them.
 */
import { SlotlineError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import { TASK_ID } from '../core/options.ts';

export type OffsetOwner = {
  /** The connector's name. */
  readonly connector: string;
  /** Which of its tasks. */
  readonly task: string;
  /** topic.prefix. */
  readonly server: string;
};

/** Connect's source partition of a task. */
type SourcePartition = { readonly server: string; readonly slotline_task?: string };

/** Where the position is one: what was confirmed, and of what. */
export type SlotMark = {
  /** Nothing above it was ever confirmed to the slot, and Kafka has everything up to it. */
  readonly confirmedLsn: Lsn;
  readonly slot: string;
  /** As text: it has 64 bits. */
  readonly systemId: string;
  readonly databaseOid: number;
  /** Absent where the server was a standby: its timeline changes under a stream. */
  readonly timeline?: number;
  /** Of two owners that name the same slot, the one with the larger number has it. */
  readonly claim: number;
};

export type StoredOffset = {
  /** LSN of the last change. */
  readonly lsn?: Lsn;
  /** LSN of the last change that was processed. */
  readonly lsnProc?: Lsn;
  /** LSN of the last commit. */
  readonly lsnCommit?: Lsn;
  readonly txId?: number;
  /** When the last change was made, microseconds since the epoch. */
  readonly tsUs?: number;
  /** INSERT, COMMIT … */
  readonly messageType?: string;
  /** Present while a snapshot is on its way: INITIAL, BLOCKING … (older Debezium: true). */
  readonly snapshot?: string;
  readonly lastSnapshotRecord?: boolean;
  readonly snapshotCompleted?: boolean;
  /** Only in records that Slotline wrote. */
  readonly mark?: SlotMark;
  /** Debezium's fields that Slotline keeps as they are. */
  readonly others?: Readonly<Record<string, unknown>>;
};

/** True if the offset says that the initial snapshot is not complete. */
export function isSnapshotUnfinished(offset: StoredOffset): boolean {
  return offset.snapshot !== undefined && offset.snapshotCompleted !== true;
}

export function printOffsetKey(owner: OffsetOwner): string {
  return JSON.stringify([owner.connector, partitionOf(owner)]);
}

export function partitionOf({ server, task }: Omit<OffsetOwner, 'connector'>): SourcePartition {
  return task === TASK_ID ? { server } : { server, slotline_task: task };
}

/** The owner that a key names, whatever its white space. Undefined for a key of another form. */
export function parseOffsetKey(key: string): OffsetOwner | undefined {
  const parsed = parseJson(key);
  if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
  const [connector, partition]: unknown[] = parsed;
  if (typeof connector !== 'string' || !isObject(partition)) return undefined;
  const { server, slotline_task: task = TASK_ID, ...others } = partition;
  if (typeof server !== 'string' || typeof task !== 'string' || Object.keys(others).length > 0) return undefined;
  return { connector, task, server };
}

export function isSameOwner(one: OffsetOwner, other: OffsetOwner): boolean {
  return one.connector === other.connector && one.task === other.task && one.server === other.server;
}

export function printOffset(offset: StoredOffset): string {
  return JSON.stringify({
    ...offset.others,
    lsn_proc: offset.lsnProc,
    messageType: offset.messageType,
    lsn_commit: offset.lsnCommit,
    lsn: offset.lsn,
    txId: offset.txId,
    ts_usec: offset.tsUs,
    snapshot: offset.snapshot,
    last_snapshot_record: offset.lastSnapshotRecord,
    snapshot_completed: offset.snapshotCompleted,
    ...(offset.mark === undefined ? {} : printMark(offset.mark)),
  });
}

function printMark(mark: SlotMark): Record<string, unknown> {
  return {
    slotline_confirmed_lsn: mark.confirmedLsn,
    slotline_slot: mark.slot,
    slotline_system_id: mark.systemId,
    slotline_database_oid: mark.databaseOid,
    slotline_timeline: mark.timeline,
    slotline_claim: mark.claim,
  };
}

const OWN_FIELDS = new Set([
  'lsn',
  'lsn_proc',
  'lsn_commit',
  'txId',
  'ts_usec',
  'messageType',
  'snapshot',
  'last_snapshot_record',
  'snapshot_completed',
  'slotline_confirmed_lsn',
  'slotline_slot',
  'slotline_system_id',
  'slotline_database_oid',
  'slotline_timeline',
  'slotline_claim',
]);

/** Throws offsets_unreadable, naming the field. */
export function parseOffset(text: string): StoredOffset {
  const parsed = parseJson(text);
  if (!isObject(parsed)) throw new SlotlineError('offsets_unreadable', { reason: 'the value is not a JSON object' });
  const others = Object.fromEntries(Object.entries(parsed).filter(([name]) => !OWN_FIELDS.has(name)));
  return {
    ...present('lsn', readNumber(parsed, 'lsn') as Lsn | undefined),
    ...present('lsnProc', readNumber(parsed, 'lsn_proc') as Lsn | undefined),
    ...present('lsnCommit', readNumber(parsed, 'lsn_commit') as Lsn | undefined),
    ...present('txId', readNumber(parsed, 'txId')),
    ...present('tsUs', readNumber(parsed, 'ts_usec')),
    ...present('messageType', readText(parsed, 'messageType')),
    ...present('snapshot', readSnapshot(parsed)),
    ...present('lastSnapshotRecord', readFlag(parsed, 'last_snapshot_record')),
    ...present('snapshotCompleted', readFlag(parsed, 'snapshot_completed')),
    ...present('mark', readMark(parsed)),
    ...(Object.keys(others).length > 0 ? { others } : {}),
  };
}

/** Reads all fields of the mark or none: a record that another program has rewritten has none of them. */
function readMark(from: JsonObject): SlotMark | undefined {
  const confirmedLsn = readNumber(from, 'slotline_confirmed_lsn') as Lsn | undefined;
  const slot = readText(from, 'slotline_slot');
  const systemId = readText(from, 'slotline_system_id');
  const databaseOid = readNumber(from, 'slotline_database_oid');
  if (confirmedLsn === undefined || slot === undefined || systemId === undefined || databaseOid === undefined) return undefined;
  const claim = readNumber(from, 'slotline_claim') ?? 0;
  return { confirmedLsn, slot, systemId, databaseOid, claim, ...present('timeline', readNumber(from, 'slotline_timeline')) };
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function present<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
}

function readNumber(from: JsonObject, field: string): number | undefined {
  const value = from[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw unreadable(field);
  return value;
}

function readText(from: JsonObject, field: string): string | undefined {
  const value = from[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw unreadable(field);
  return value;
}

function readFlag(from: JsonObject, field: string): boolean | undefined {
  const value = from[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw unreadable(field);
  return value;
}

function readSnapshot(from: JsonObject): string | undefined {
  const value = from['snapshot'];
  if (value === true) return 'INITIAL';
  return value === false ? undefined : readText(from, 'snapshot');
}

function unreadable(field: string): SlotlineError {
  return new SlotlineError('offsets_unreadable', { field, reason: 'unexpected type or size' });
}
