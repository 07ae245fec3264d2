/**
 * Owns the schemas of records that are not row changes: logical decoding messages, transaction boundaries, heartbeats.
 * Source: io.debezium.connector.postgresql.LogicalDecodingMessageMonitor, io.debezium.schema.SchemaFactory.
 */
import type { FieldSchema } from '../values/schema.ts';
import { SOURCE_SCHEMA, TRANSACTION_BLOCK_SCHEMA } from './source-info.ts';

export const MESSAGE_KEY_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.postgresql.MessageKey',
  version: 1,
  fields: [{ field: 'prefix', schema: { type: 'string', optional: true } }],
};

export function messageValueSchema(content: FieldSchema): FieldSchema {
  return {
    type: 'struct',
    optional: false,
    name: 'io.debezium.connector.postgresql.MessageValue',
    version: 1,
    fields: [
      { field: 'op', schema: { type: 'string', optional: false } },
      { field: 'ts_ms', schema: { type: 'int64', optional: true } },
      { field: 'source', schema: SOURCE_SCHEMA },
      { field: 'transaction', schema: TRANSACTION_BLOCK_SCHEMA },
      {
        field: 'message',
        schema: {
          type: 'struct',
          optional: false,
          name: 'io.debezium.connector.postgresql.Message',
          version: 1,
          fields: [
            { field: 'prefix', schema: { type: 'string', optional: true } },
            { field: 'content', schema: content },
          ],
        },
      },
    ],
  };
}

export const TRANSACTION_KEY_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.TransactionMetadataKey',
  version: 1,
  fields: [{ field: 'id', schema: { type: 'string', optional: false } }],
};

const COLLECTION_COUNT_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: true,
  name: 'event.collection',
  version: 1,
  fields: [
    { field: 'data_collection', schema: { type: 'string', optional: false } },
    { field: 'event_count', schema: { type: 'int64', optional: false } },
  ],
};

export const TRANSACTION_VALUE_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.TransactionMetadataValue',
  version: 1,
  fields: [
    { field: 'status', schema: { type: 'string', optional: false } },
    { field: 'id', schema: { type: 'string', optional: false } },
    { field: 'event_count', schema: { type: 'int64', optional: true } },
    { field: 'data_collections', schema: { type: 'array', optional: true, items: COLLECTION_COUNT_SCHEMA } },
    { field: 'ts_ms', schema: { type: 'int64', optional: false } },
  ],
};

export const HEARTBEAT_KEY_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.ServerNameKey',
  version: 1,
  fields: [{ field: 'serverName', schema: { type: 'string', optional: false } }],
};

export const HEARTBEAT_VALUE_SCHEMA: FieldSchema = {
  type: 'struct',
  optional: false,
  name: 'io.debezium.connector.common.Heartbeat',
  version: 1,
  fields: [{ field: 'ts_ms', schema: { type: 'int64', optional: false } }],
};
