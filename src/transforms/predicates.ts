/**
 * Owns Connect's predicates: whether a stage applies to a record. Most know it once per relation version; a value that may be null is asked
 * for each record. Source: org.apache.kafka.connect.transforms.predicates.
 */

import { compileUserPattern } from '../core/user-pattern.ts';
import { type Nullness, nullnessOf } from './nullness.ts';
import type { TransformSettings } from './settings.ts';
import type { ShapedRecord } from './shaped-record.ts';

export type Predicate = (record: ShapedRecord) => Nullness;

export function topicNameMatches(settings: TransformSettings): Predicate {
  const pattern = compileUserPattern(settings.text('pattern', ''), '');
  return ({ topic }) => pattern.test(topic);
}

export function hasHeaderKey(settings: TransformSettings): Predicate {
  const wanted = settings.text('name', '');
  return ({ headers }) => headers.entries.some(({ name }) => name === wanted);
}

export function recordIsTombstone(): Predicate {
  return ({ value, kind }) => nullnessOf(value, kind);
}
