/** Owns the schemas of records that are not row changes: logical decoding messages. Source: reference LogicalDecodingMessageMonitor. */
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
