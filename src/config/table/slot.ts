/** Owns the option rows for the slot, the publication and the replication stream. */

import type { ReplicaIdentityRule } from '../../core/options.ts';
import { regexProblem, splitRegexList } from '../resolve/regex-list.ts';
import { HONOURED_VALUES } from './honoured-values.ts';
import { BOOLEAN, honoured, integer, long, noEffect, type OptionSpec, oneOf, REGEX_LIST } from './option-spec.ts';

const CONFIRMED_ONLY = 'Slotline always resumes from the position that the slot has confirmed.';

export const SLOT_OPTIONS: readonly OptionSpec[] = [
  honoured({
    name: 'plugin.name',
    kind: oneOf('pgoutput', 'decoderbufs', 'wal2json', 'wal2json_streaming', 'wal2json_rds', 'wal2json_rds_streaming'),
    default: 'pgoutput',
    honouredValues: HONOURED_VALUES['plugin.name'],
    why: 'It is part of PostgreSQL, so every server has it.',
    differs: 'Debezium: decoderbufs, an extension that most servers lack.',
    reason: 'Only pgoutput is read; it is part of every PostgreSQL. Drop the old slot or name a new one with slot.name.',
    doc: 'Output plugin of the slot.',
  }),
  honoured({
    name: 'slot.name',
    default: 'debezium',
    why: "Debezium's, so that an existing slot is taken over.",
    doc: 'Name of the logical replication slot; created if missing.',
    check: (value) => (/^[a-z0-9_]{1,63}$/.test(value) ? undefined : 'must be 1 to 63 of a-z, 0-9 and _'),
  }),
  honoured({
    name: 'slot.drop.on.stop',
    kind: BOOLEAN,
    default: 'false',
    why: 'Dropping the slot loses changes made while stopped.',
    doc: 'Drop the slot at an orderly stop. The next start then needs snapshot.mode=when_needed or always; with others it is refused (slot_missing), for what changed meanwhile is nowhere.',
  }),
  honoured({ name: 'slot.failover', kind: BOOLEAN, default: 'false', why: "Debezium's; it needs PostgreSQL 17 and a configured standby.", doc: 'Create the slot with the FAILOVER option; without effect before PostgreSQL 17.' }),
  honoured({
    name: 'slot.stream.params',
    why: 'pgoutput needs no more than Slotline sends.',
    doc: 'Further options of START_REPLICATION, `name=value;name=value`.',
    check: checkStreamParams,
  }),
  honoured({ name: 'slotline.catchup.mode', kind: oneOf('auto', 'off'), default: 'auto', why: 'A backlog is read in a fraction of the time.', doc: '`auto`: a large backlog is read in bulk by SQL, from a temporary copy of the slot; `off`: only the replication stream is read.' }),
  honoured({ name: 'slotline.catchup.threshold.bytes', kind: long(1), unit: 'bytes', default: '67108864', why: 'Less is read from the stream in about a second.', doc: 'WAL that has to wait behind the slot before it is read in bulk.' }),
  honoured({ name: 'slotline.catchup.max.chunk.bytes', kind: long(1_048_576), unit: 'bytes', default: '268435456', why: 'A transaction of a million rows fits.', doc: 'Most WAL that the server decodes at once, into a temporary file; what does not fit is left to the replication stream.' }),
  noEffect({ name: 'slot.max.retries', kind: integer(0), default: '6', reason: 'A slot in use is waited for, up to slotline.start.timeout.', doc: 'Attempts to take the slot.' }),
  noEffect({ name: 'slot.retry.delay.ms', silent: 'always', kind: long(0), unit: 'ms', default: '10000', reason: 'A slot in use is looked at twice a second.', doc: 'Pause between those attempts.' }),
  honoured({
    name: 'offset.mismatch.strategy',
    kind: oneOf('no_validation', 'trust_offset', 'trust_slot', 'trust_greater_lsn'),
    default: 'no_validation',
    honouredValues: HONOURED_VALUES['offset.mismatch.strategy'],
    why: "Debezium's.",
    reason: CONFIRMED_ONLY,
    doc: `What to do when stored offset and slot differ. ${CONFIRMED_ONLY} \`no_validation\`: a slot that stands behind the stored position is refused (slot_gap); \`trust_slot\`: what lies between is left out, with a warning.`,
  }),
  honoured({ name: 'slotline.slot.accept', why: 'A gap is refused.', doc: 'The `accept` of an error: takes the slot once as it stands there, although changes are missing before it (`slot_gap`), the server is another one (`server_changed`), or another connector had it (`slot_in_use`).' }),
  noEffect({ name: 'internal.create.slot.command.timeout', silent: 'always', kind: long(0), unit: 's', default: '90', reason: 'Creating a slot waits for running transactions as long as they take.', doc: 'Timeout of CREATE_REPLICATION_SLOT.' }),
  honoured({
    name: 'publication.name',
    default: 'dbz_publication',
    why: "Debezium's, so that an existing publication is taken over.",
    doc: 'Name of the publication that the stream reads.',
    check: (value) => (Buffer.byteLength(value) <= 63 ? undefined : 'must be at most 63 bytes'),
  }),
  honoured({
    name: 'publication.autocreate.mode',
    kind: oneOf('disabled', 'all_tables', 'filtered', 'no_tables'),
    default: 'all_tables',
    why: "Debezium's. It needs a superuser; `filtered` needs ownership of the captured tables only.",
    doc: '`disabled`: the publication must exist; `all_tables`: created FOR ALL TABLES; `filtered`: holds the captured tables; those that are missing are added at each start and while it runs, and none is taken out, for others may read it too; `no_tables`: created empty.',
  }),
  honoured({ name: 'publish.via.partition.root', kind: BOOLEAN, default: 'false', why: "Debezium's.", doc: 'Create the publication with publish_via_partition_root, so that changes of partitions carry the name of the root.' }),
  honoured({
    name: 'replica.identity.autoset.values',
    why: 'Tables keep the replica identity that they have.',
    doc: 'Replica identities to set at start, `schema.table regex:value` separated by commas; value: DEFAULT, FULL, NOTHING or INDEX name. A table that two entries match keeps what it has.',
    check: checkReplicaIdentities,
  }),
  honoured({ name: 'status.update.interval.ms', kind: integer(1), unit: 'ms', default: '10000', why: "Debezium's; well below PostgreSQL's wal_sender_timeout of 60 s.", doc: 'How often the server is told the flushed position, at the latest.' }),
  honoured({
    name: 'lsn.flush.mode',
    kind: oneOf('connector', 'manual', 'connector_and_driver'),
    default: 'connector',
    honouredValues: HONOURED_VALUES['lsn.flush.mode'],
    why: 'A slot that is never confirmed fills the disk of the server.',
    reason: 'Slotline always confirms what Kafka has acknowledged.',
    doc: 'Who confirms positions. Slotline confirms what Kafka has acknowledged and, on an idle stream, what the server reports: both `connector` and `connector_and_driver`.',
  }),
  noEffect({ name: 'lsn.flush.timeout.ms', silent: 'always', kind: long(1), unit: 'ms', default: '30000', reason: 'Confirming is part of the stream and does not block.', doc: 'Longest wait for a flush.' }),
  noEffect({ name: 'lsn.flush.timeout.action', kind: oneOf('fail', 'warn', 'ignore'), default: 'fail', reason: 'Confirming is part of the stream and does not block.', doc: 'What to do after that wait.' }),
  honoured({ name: 'xmin.fetch.interval.ms', kind: integer(0), unit: 'ms', default: '0', why: "Debezium's.", doc: "How often the slot's xmin is read for `source.xmin`; 0: never." }),
  honoured({ name: 'message.prefix.include.list', kind: REGEX_LIST, why: 'All are sent.', doc: 'Prefixes of logical decoding messages to send. Not together with the exclude list.' }),
  honoured({ name: 'message.prefix.exclude.list', kind: REGEX_LIST, why: 'None is left out.', doc: 'Prefixes of logical decoding messages to leave out.' }),
  noEffect({ name: 'internal.log.position.check.enable', kind: BOOLEAN, default: 'true', reason: 'The state of the slot is always checked.', doc: 'Check at start that the slot still holds the stored position.' }),
];

const OWN_STREAM_PARAMS = ['proto_version', 'publication_names', 'messages'];
const UNREADABLE_STREAM_PARAMS = ['streaming', 'two_phase', 'binary'];

/** `slot.stream.params` as pairs; undefined where it cannot be read. */
export function parseStreamParams(value: string): (readonly [string, string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (const part of value.split(';')) {
    if (part.trim() === '') continue;
    const match = /^([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(part.trim());
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    pairs.push([match[1], match[2]]);
  }
  return pairs;
}

function checkStreamParams(value: string): string | undefined {
  const pairs = parseStreamParams(value);
  if (pairs === undefined) return 'must be name=value pairs separated by semicolons';
  for (const [name, setting] of pairs) {
    if (OWN_STREAM_PARAMS.includes(name)) return `sets ${name}, which Slotline sets itself`;
    if (UNREADABLE_STREAM_PARAMS.includes(name) && !/^(off|false|0)$/i.test(setting)) return `sets ${name}: Slotline reads protocol 1 in text form`;
  }
  return undefined;
}

/** Debezium's `table:DEFAULT`, `table:INDEX name`, in an item without blanks at its ends. */
const REPLICA_IDENTITY = /^([^:]+):\s*(?:(default|full|nothing)|index\s+(\S.*))$/i;

/** `replica.identity.autoset.values` in order; undefined where an item cannot be read. */
export function parseReplicaIdentities(value: string): ReplicaIdentityRule[] | undefined {
  const rules: ReplicaIdentityRule[] = [];
  for (const part of splitRegexList(value)) {
    const match = REPLICA_IDENTITY.exec(part);
    const table = match?.[1]?.trim();
    const name = match?.[2]?.toLowerCase();
    if (table === undefined) return undefined;
    if (name === 'default' || name === 'full' || name === 'nothing') rules.push({ table, identity: { tag: name } });
    else rules.push({ table, identity: { tag: 'index', index: match?.[3] ?? '' } });
  }
  return rules;
}

function checkReplicaIdentities(value: string): string | undefined {
  const rules = parseReplicaIdentities(value);
  if (rules === undefined) return 'must be table:DEFAULT, table:FULL, table:NOTHING or table:INDEX name items separated by commas';
  for (const { table } of rules) {
    const problem = regexProblem(table);
    if (problem !== undefined) return `pattern ${JSON.stringify(table)} ${problem}`;
  }
  return undefined;
}
