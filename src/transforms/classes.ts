/** Owns the table from class names to transforms and predicates. Which options a class has: config/table/. */

import { changedFields } from './debezium/changed-fields.ts';
import { headerToValue } from './debezium/header-to-value.ts';
import { partitionRouting } from './debezium/partition-routing.ts';
import { schemaToRecord } from './debezium/schema-to-record.ts';
import { swapCoordinates } from './debezium/swap-coordinates.ts';
import { timezoneConverter } from './debezium/timezone-converter.ts';
import { vectorToJson } from './debezium/vector-to-json.ts';
import { extractNewRecordState } from './extract-new-record-state.ts';
import type { Side } from './fields.ts';
import { cast } from './kafka/cast.ts';
import { extractField, hoistField, valueToKey } from './kafka/field-and-whole.ts';
import { flatten } from './kafka/flatten.ts';
import { dropHeaders, headerFrom, insertHeader } from './kafka/headers.ts';
import { insertField } from './kafka/insert-field.ts';
import { maskField } from './kafka/mask-field.ts';
import { replaceField } from './kafka/replace-field.ts';
import { setSchemaMetadata } from './kafka/schema-metadata.ts';
import { timestampConverter } from './kafka/timestamp-converter.ts';
import { timestampRouter } from './kafka/timestamp-router.ts';
import { decodeMessageContent } from './outbox/decode-message-content.ts';
import { eventRouter } from './outbox/event-router.ts';
import { hasHeaderKey, type Predicate, recordIsTombstone, topicNameMatches } from './predicates.ts';
import { byLogicalTableRouter, regexRouter } from './routers.ts';
import { contentBasedRouter, filter } from './script/scripted.ts';
import type { TransformSettings } from './settings.ts';
import { DROPPED, recordOutcome, type Transform } from './shaped-record.ts';

type Create<T> = (settings: TransformSettings) => T;

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';

function keyAndValue(
  name: string,
  create: (side: Side, settings: TransformSettings) => Transform,
): readonly (readonly [string, Create<Transform>])[] {
  return [
    [`${KAFKA}${name}$Key`, (settings) => create('key', settings)],
    [`${KAFKA}${name}$Value`, (settings) => create('value', settings)],
  ];
}

export const TRANSFORMS: ReadonlyMap<string, Create<Transform>> = new Map<string, Create<Transform>>([
  ...keyAndValue('Cast', cast),
  [`${KAFKA}DropHeaders`, dropHeaders],
  ...keyAndValue('ExtractField', extractField),
  [`${KAFKA}Filter`, () => () => DROPPED],
  ...keyAndValue('Flatten', flatten),
  ...keyAndValue('HeaderFrom', headerFrom),
  ...keyAndValue('HoistField', hoistField),
  ...keyAndValue('InsertField', insertField),
  [`${KAFKA}InsertHeader`, insertHeader],
  ...keyAndValue('MaskField', maskField),
  [`${KAFKA}RegexRouter`, regexRouter],
  ...keyAndValue('ReplaceField', replaceField),
  ...keyAndValue('SetSchemaMetadata', setSchemaMetadata),
  ...keyAndValue('TimestampConverter', timestampConverter),
  [`${KAFKA}TimestampRouter`, timestampRouter],
  [`${KAFKA}ValueToKey`, valueToKey],
  [`${DEBEZIUM}ByLogicalTableRouter`, byLogicalTableRouter],
  [`${DEBEZIUM}ContentBasedRouter`, contentBasedRouter],
  [`${DEBEZIUM}ExtractChangedRecordState`, changedFields],
  [`${DEBEZIUM}ExtractNewRecordState`, extractNewRecordState],
  [`${DEBEZIUM}Filter`, filter],
  [`${DEBEZIUM}ExtractSchemaToNewRecord`, schemaToRecord],
  [`${DEBEZIUM}SwapGeometryCoordinates`, swapCoordinates],
  [`${DEBEZIUM}TimezoneConverter`, timezoneConverter],
  [`${DEBEZIUM}VectorToJsonConverter`, vectorToJson],
  [`${DEBEZIUM}HeaderToValue`, headerToValue],
  [`${DEBEZIUM}outbox.EventRouter`, eventRouter],
  [`${DEBEZIUM}partitions.PartitionRouting`, partitionRouting],
  ['io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent', decodeMessageContent],
  // PostgreSQL's connector emits no schema changes.
  [`${DEBEZIUM}SchemaChangeEventFilter`, () => recordOutcome],
]);

export const PREDICATES: ReadonlyMap<string, Create<Predicate>> = new Map<string, Create<Predicate>>([
  [`${KAFKA}predicates.HasHeaderKey`, hasHeaderKey],
  [`${KAFKA}predicates.RecordIsTombstone`, recordIsTombstone],
  [`${KAFKA}predicates.TopicNameMatches`, topicNameMatches],
]);
