/**
 * Owns the stored offset: its fields, and its key and value as Kafka Connect writes them (JsonConverter without schemas). Pure. Does not
 * own where it is kept (store.ts) nor what a position means for the stream.
 *
 * Key: `["<connector name>",{"server":"<topic.prefix>"}]`. Value: one JSON object; Debezium's field names.
 */
import { SlotlineError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';

export type OffsetOwner = {
  /** The connector's name. */
  readonly connector: string;
  /** topic.prefix. */
  readonly server: string;
};

export type StoredOffset = {
  /** Of the last change. */
  readonly lsn?: Lsn;
  /** Of the last change worked off, and of the last commit. */
  readonly lsnProc?: Lsn;
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
  /** Fields of Debezium's that Slotline keeps as they are. */
  readonly others?: Readonly<Record<string, unknown>>;
};

/** True if the offset says that the initial snapshot is not complete. */
export function isSnapshotUnfinished(offset: StoredOffset): boolean {
  return offset.snapshot !== undefined && offset.snapshotCompleted !== true;
}

export function printOffsetKey(owner: OffsetOwner): string {
  return JSON.stringify([owner.connector, { server: owner.server }]);
}

/** True for this owner's key, however it is spaced. A key that is no JSON belongs to nobody here. */
export function isKeyOf(owner: OffsetOwner, key: string): boolean {
  const parsed = parseJson(key);
  if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== owner.connector) return false;
  const partition: unknown = parsed[1];
  return isObject(partition) && partition['server'] === owner.server && Object.keys(partition).length === 1;
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
  });
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
    ...(Object.keys(others).length > 0 ? { others } : {}),
  };
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
