/** Owns names that Debezium removed or renamed, and what they mean now. Does not own the options themselves. */

type Renamed =
  | { readonly tag: 'renamed'; readonly to: string; readonly convert?: (value: string) => string }
  /** Debezium removed the option without a replacement. */
  | { readonly tag: 'removed'; readonly reason: string };

export const RENAMED: Readonly<Record<string, Renamed>> = {
  'database.server.name': { tag: 'renamed', to: 'topic.prefix' },
  'toasted.value.placeholder': { tag: 'renamed', to: 'unavailable.value.placeholder' },
  'truncate.handling.mode': {
    tag: 'renamed',
    to: 'skipped.operations',
    convert: (value) => (value.toLowerCase() === 'include' ? 'none' : 't'),
  },
  'sanitize.field.names': {
    tag: 'renamed',
    to: 'field.name.adjustment.mode',
    convert: (value) => (value.toLowerCase() === 'true' ? 'avro' : 'none'),
  },
  'flush.lsn.source': {
    tag: 'renamed',
    to: 'lsn.flush.mode',
    convert: (value) => (value.toLowerCase() === 'false' ? 'manual' : 'connector'),
  },
  'slot.seek.to.known.offset.on.start': { tag: 'renamed', to: 'offset.mismatch.strategy', convert: seekToStrategy },
  'internal.slot.seek.to.known.offset.on.start': { tag: 'renamed', to: 'offset.mismatch.strategy', convert: seekToStrategy },
  'heartbeat.topics.prefix': { tag: 'renamed', to: 'topic.heartbeat.prefix' },
  'slot.drop_on_stop': { tag: 'renamed', to: 'slot.drop.on.stop' },
  'schema.whitelist': { tag: 'renamed', to: 'schema.include.list' },
  'schema.blacklist': { tag: 'renamed', to: 'schema.exclude.list' },
  'table.whitelist': { tag: 'renamed', to: 'table.include.list' },
  'table.blacklist': { tag: 'renamed', to: 'table.exclude.list' },
  'column.whitelist': { tag: 'renamed', to: 'column.include.list' },
  'column.blacklist': { tag: 'renamed', to: 'column.exclude.list' },
  'snapshot.new.tables': { tag: 'removed', reason: 'was removed from Debezium: leave it out' },
  'snapshot.custom.class': {
    tag: 'removed',
    reason: 'was removed from Debezium, and custom snapshot modes are Java classes: leave it out',
  },
  'include.schema.changes': {
    tag: 'removed',
    reason: 'is not an option of the PostgreSQL connector, which sends no schema changes: leave it out',
  },
  'database.include.list': {
    tag: 'removed',
    reason: 'is not an option of the PostgreSQL connector: database.dbname names the one database',
  },
  'database.exclude.list': {
    tag: 'removed',
    reason: 'is not an option of the PostgreSQL connector: database.dbname names the one database',
  },
  'drop.tombstones': { tag: 'removed', reason: 'is an option of a transform: tombstones.on.delete=false sends no tombstones' },
};

/** Values that Debezium renamed, by option. */
export const RENAMED_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'snapshot.mode': { never: 'no_data', exported: 'initial', schema_only: 'no_data' },
};

function seekToStrategy(value: string): string {
  return value.toLowerCase() === 'true' ? 'trust_offset' : 'no_validation';
}
