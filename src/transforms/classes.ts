/** Owns the table from class names to transforms and predicates. Which options a class has: config/table/. */
import { decodeMessageContent } from './debezium/decode-message-content.ts';
import { eventRouter } from './debezium/event-router.ts';
import { extractNewRecordState } from './extract-new-record-state.ts';
import { hasHeaderKey, type Predicate, recordIsTombstone, topicNameMatches } from './predicates.ts';
import { byLogicalTableRouter, regexRouter } from './routers.ts';
import type { TransformSettings } from './settings.ts';
import { DROPPED, recordOutcome, type Transform } from './shaped-record.ts';

type Create<T> = (settings: TransformSettings) => T;

const KAFKA = 'org.apache.kafka.connect.transforms.';
const DEBEZIUM = 'io.debezium.transforms.';

export const TRANSFORMS: ReadonlyMap<string, Create<Transform>> = new Map<string, Create<Transform>>([
  [`${KAFKA}Filter`, () => () => DROPPED],
  [`${KAFKA}RegexRouter`, regexRouter],
  [`${DEBEZIUM}ByLogicalTableRouter`, byLogicalTableRouter],
  [`${DEBEZIUM}ExtractNewRecordState`, extractNewRecordState],
  [`${DEBEZIUM}outbox.EventRouter`, eventRouter],
  ['io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent', decodeMessageContent],
  // PostgreSQL's connector emits no schema changes.
  [`${DEBEZIUM}SchemaChangeEventFilter`, () => recordOutcome],
]);

export const PREDICATES: ReadonlyMap<string, Create<Predicate>> = new Map<string, Create<Predicate>>([
  [`${KAFKA}predicates.HasHeaderKey`, hasHeaderKey],
  [`${KAFKA}predicates.RecordIsTombstone`, recordIsTombstone],
  [`${KAFKA}predicates.TopicNameMatches`, topicNameMatches],
]);
