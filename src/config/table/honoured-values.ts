/**
 * Owns, in one place, which values of options with a fixed set of values are honoured. A value missing here is known
 * but refused; flipping it on is one word. A value that no release of Debezium knows is an error of its own.
 */

export const HONOURED_VALUES = {
  'plugin.name': ['pgoutput'],
  'snapshot.mode': ['initial', 'always', 'initial_only', 'no_data', 'when_needed'],
  'snapshot.locking.mode': ['none', 'shared'],
  'snapshot.query.mode': ['select_all'],
  'lsn.flush.mode': ['connector', 'connector_and_driver'],
  'offset.mismatch.strategy': ['no_validation', 'trust_slot'],
  'decimal.handling.mode': ['precise', 'double', 'string'],
  'time.precision.mode': ['adaptive', 'adaptive_time_microseconds', 'connect', 'isostring', 'microseconds', 'nanoseconds'],
  'interval.handling.mode': ['numeric', 'string'],
  'binary.handling.mode': ['bytes', 'base64', 'base64-url-safe', 'hex'],
  'hstore.handling.mode': ['json', 'map'],
  'include.unknown.datatypes': ['false', 'true'],
  'schema.name.adjustment.mode': ['none', 'avro', 'avro_unicode'],
  'field.name.adjustment.mode': ['none', 'avro', 'avro_unicode'],
  'sasl.mechanism': ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
