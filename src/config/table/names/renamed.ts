/** Owns names that Debezium renamed, and what they mean now. Does not own the options themselves. */

type Renamed = { readonly to: string; readonly convert?: (value: string) => string };

export const RENAMED: Readonly<Record<string, Renamed>> = {
  'database.server.name': { to: 'topic.prefix' },
  'toasted.value.placeholder': { to: 'unavailable.value.placeholder' },
  'truncate.handling.mode': {
    to: 'skipped.operations',
    convert: (value) => (value.toLowerCase() === 'include' ? 'none' : 't'),
  },
  'sanitize.field.names': {
    to: 'field.name.adjustment.mode',
    convert: (value) => (value.toLowerCase() === 'true' ? 'avro' : 'none'),
  },
  'flush.lsn.source': {
    to: 'lsn.flush.mode',
    convert: (value) => (value.toLowerCase() === 'false' ? 'manual' : 'connector'),
  },
  'slot.seek.to.known.offset.on.start': { to: 'offset.mismatch.strategy', convert: seekToStrategy },
  'internal.slot.seek.to.known.offset.on.start': { to: 'offset.mismatch.strategy', convert: seekToStrategy },
  'heartbeat.topics.prefix': { to: 'topic.heartbeat.prefix' },
  'slot.drop_on_stop': { to: 'slot.drop.on.stop' },
  'schema.whitelist': { to: 'schema.include.list' },
  'schema.blacklist': { to: 'schema.exclude.list' },
  'table.whitelist': { to: 'table.include.list' },
  'table.blacklist': { to: 'table.exclude.list' },
  'column.whitelist': { to: 'column.include.list' },
  'column.blacklist': { to: 'column.exclude.list' },
};

/** Values that Debezium renamed, by option. */
export const RENAMED_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'snapshot.mode': { never: 'no_data', exported: 'initial', schema_only: 'no_data' },
};

function seekToStrategy(value: string): string {
  return value.toLowerCase() === 'true' ? 'trust_offset' : 'no_validation';
}
