/**
 * Owns which transforms and predicates there are: the classes with their options (transforms/), those of them that run, and what is known of
 * classes that do not. docs/transforms.md is generated from it.
 */

import { nearestName } from '../suggest.ts';
import { DEBEZIUM_TRANSFORMS } from './transforms/debezium.ts';
import { KAFKA_PREDICATES, KAFKA_TRANSFORMS } from './transforms/kafka.ts';
import type { StageClass } from './transforms/stage-spec.ts';

export const TRANSFORM_CLASSES: readonly StageClass[] = [...DEBEZIUM_TRANSFORMS, ...KAFKA_TRANSFORMS];
export const PREDICATE_CLASSES: readonly StageClass[] = KAFKA_PREDICATES;

/** The classes that run. One that has rows and does not stand here is refused as not honoured yet. */
export const BUILT_CLASSES: ReadonlySet<string> = new Set([
  'io.debezium.transforms.ExtractNewRecordState',
  'io.debezium.transforms.outbox.EventRouter',
  'io.debezium.transforms.ByLogicalTableRouter',
  'io.debezium.transforms.partitions.PartitionRouting',
  'io.debezium.transforms.ExtractChangedRecordState',
  'io.debezium.transforms.Filter',
  'io.debezium.transforms.ContentBasedRouter',
  'io.debezium.transforms.HeaderToValue',
  'io.debezium.transforms.TimezoneConverter',
  'io.debezium.transforms.ExtractSchemaToNewRecord',
  'io.debezium.transforms.VectorToJsonConverter',
  'io.debezium.transforms.SwapGeometryCoordinates',
  'io.debezium.transforms.SchemaChangeEventFilter',
  'io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent',
  'org.apache.kafka.connect.transforms.RegexRouter',
  'org.apache.kafka.connect.transforms.ReplaceField$Key',
  'org.apache.kafka.connect.transforms.ReplaceField$Value',
  'org.apache.kafka.connect.transforms.InsertField$Key',
  'org.apache.kafka.connect.transforms.InsertField$Value',
  'org.apache.kafka.connect.transforms.MaskField$Key',
  'org.apache.kafka.connect.transforms.MaskField$Value',
  'org.apache.kafka.connect.transforms.Cast$Key',
  'org.apache.kafka.connect.transforms.Cast$Value',
  'org.apache.kafka.connect.transforms.TimestampConverter$Key',
  'org.apache.kafka.connect.transforms.TimestampConverter$Value',
  'org.apache.kafka.connect.transforms.Flatten$Key',
  'org.apache.kafka.connect.transforms.Flatten$Value',
  'org.apache.kafka.connect.transforms.HoistField$Key',
  'org.apache.kafka.connect.transforms.HoistField$Value',
  'org.apache.kafka.connect.transforms.ExtractField$Key',
  'org.apache.kafka.connect.transforms.ExtractField$Value',
  'org.apache.kafka.connect.transforms.ValueToKey',
  'org.apache.kafka.connect.transforms.SetSchemaMetadata$Key',
  'org.apache.kafka.connect.transforms.SetSchemaMetadata$Value',
  'org.apache.kafka.connect.transforms.HeaderFrom$Key',
  'org.apache.kafka.connect.transforms.HeaderFrom$Value',
  'org.apache.kafka.connect.transforms.InsertHeader',
  'org.apache.kafka.connect.transforms.DropHeaders',
  'org.apache.kafka.connect.transforms.TimestampRouter',
  'org.apache.kafka.connect.transforms.Filter',
  'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  'org.apache.kafka.connect.transforms.predicates.HasHeaderKey',
  'org.apache.kafka.connect.transforms.predicates.RecordIsTombstone',
]);

export const NOT_YET = 'is not honoured yet';

/** Classes without rows of which more can be said than that they are Java's: the first that the name begins with. */
export const OTHER_CLASSES: readonly { readonly prefix: string; readonly reason: string }[] = [
  { prefix: 'io.debezium.transforms.UnwrapFromEnvelope', reason: 'is the old name of io.debezium.transforms.ExtractNewRecordState' },
  { prefix: 'io.debezium.transforms.partitions.ComputePartition', reason: 'was removed from Debezium: io.debezium.transforms.partitions.PartitionRouting replaces it' },
  { prefix: 'io.debezium.transforms.GeometryFormatTransformer', reason: NOT_YET },
  { prefix: 'io.debezium.transforms.ToLogicalTopicRouter', reason: NOT_YET },
  { prefix: 'io.debezium.transforms.EnforceRecordSize', reason: NOT_YET },
  { prefix: 'io.debezium.connector.postgresql.transforms.', reason: NOT_YET },
  { prefix: 'io.debezium.connector.mongodb.', reason: 'is for MongoDB' },
  { prefix: 'io.debezium.connector.mysql.', reason: 'is for MySQL' },
  { prefix: 'io.confluent.', reason: "is Confluent's: Java classes cannot be loaded" },
  { prefix: 'io.aiven.', reason: "is Aiven's: Java classes cannot be loaded" },
  { prefix: 'com.github.jcustenborder.', reason: "is of the Confluent Hub's community: Java classes cannot be loaded" },
];

const BY_TYPE = new Map([...TRANSFORM_CLASSES, ...PREDICATE_CLASSES].flatMap((spec) => spec.types.map((type) => [type, spec] as const)));

/** Connect takes a class by its name without the package too. `Filter` is the name of several. */
const BY_SHORT_NAME = new Map([...BY_TYPE.keys()].map((type) => [type.slice(type.lastIndexOf('.') + 1), type] as const).filter(([name]) => name !== 'Filter'));

export function stageClassOf(written: string): { readonly type: string; readonly spec: StageClass } | undefined {
  const type = BY_SHORT_NAME.get(written) ?? written;
  const spec = BY_TYPE.get(type);
  return spec === undefined ? undefined : { type, spec };
}

/** Why a class cannot be used, or undefined. */
export function classRefusal(written: string): string | undefined {
  const found = stageClassOf(written);
  if (found !== undefined) return BUILT_CLASSES.has(found.type) ? undefined : NOT_YET;
  const sides = ['$Key', '$Value'].map((side) => stageClassOf(written + side)?.type);
  if (sides[0] !== undefined) return `must be ${sides.join(' or ')}`;
  const near = nearestName(written, [...BY_TYPE.keys()]);
  if (near !== undefined) return `is no class: did you mean ${near}?`;
  return OTHER_CLASSES.find(({ prefix }) => written.startsWith(prefix))?.reason ?? 'Java classes cannot be loaded';
}
