/**
 * Owns the decoded forms of pgoutput's protocol-1 messages. Row messages and their tuples are reused from one decode to
 * the next: valid until the decoder is asked for another message.
 * Source: PostgreSQL manual, "Logical Replication Message Formats".
 */
import type { Lsn } from '../core/lsn.ts';
import type { TupleView } from './tuple.ts';

export type BeginMessage = {
  readonly tag: 'begin';
  /** LSN of the commit record (its start). */
  readonly finalLsn: Lsn;
  /** Microseconds since the Unix epoch. */
  readonly commitTimeUs: number;
  readonly xid: number;
};

export type CommitMessage = {
  readonly tag: 'commit';
  readonly commitLsn: Lsn;
  /** The position to confirm, exactly (D2). */
  readonly endLsn: Lsn;
  readonly commitTimeUs: number;
};

export type OriginMessage = { readonly tag: 'origin'; readonly commitLsn: Lsn; readonly name: string };

export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index';

export type RelationColumn = {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** The column is part of the replica identity's key. */
  readonly inKey: boolean;
};

export type RelationMessage = {
  readonly tag: 'relation';
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly RelationColumn[];
};

export type TypeMessage = { readonly tag: 'type'; readonly oid: number; readonly schema: string; readonly name: string };

export type TruncateMessage = {
  readonly tag: 'truncate';
  readonly relationOids: readonly number[];
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
};

/** `content` is a view of the frame. */
export type LogicalMessage = {
  readonly tag: 'message';
  readonly transactional: boolean;
  readonly lsn: Lsn;
  readonly prefix: string;
  readonly content: Uint8Array;
};

type OldTuple = 'none' | 'key' | 'full';

/** Insert, update or delete. `before` is meaningful unless old is none; `after` unless tag is delete. */
export type RowMessage = {
  tag: 'insert' | 'update' | 'delete';
  relationOid: number;
  old: OldTuple;
  readonly before: TupleView;
  readonly after: TupleView;
};

export type Message =
  | BeginMessage
  | CommitMessage
  | OriginMessage
  | RelationMessage
  | TypeMessage
  | TruncateMessage
  | LogicalMessage
  | RowMessage;
