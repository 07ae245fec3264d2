/**
 * Owns Connect's predicates: whether a stage applies to a record. Most know it once per relation version; a value that may be null is asked
 * for each record. Source: org.apache.kafka.connect.transforms.predicates.
 */

import { compileUserPattern } from '../core/user-pattern.ts';
import type { EventView } from '../events/event-view.ts';
import { readerOf } from './read-value.ts';
import type { TransformSettings } from './settings.ts';
import { isAlwaysNull, type ShapedRecord } from './shaped-record.ts';

/** True or false for every record of the shape, or a question to each record. */
export type Verdict = boolean | ((event: EventView) => boolean);
export type Predicate = (record: ShapedRecord) => Verdict;

export function topicNameMatches(settings: TransformSettings): Predicate {
  const pattern = compileUserPattern(settings.text('pattern', ''), '');
  return ({ topic }) => pattern.test(topic);
}

export function hasHeaderKey(settings: TransformSettings): Predicate {
  const wanted = settings.text('name', '');
  return ({ headers }) => headers.entries.some(({ name }) => name === wanted);
}

export function recordIsTombstone(): Predicate {
  return ({ value }) => {
    if (value === undefined || isAlwaysNull(value)) return true;
    // Only a column or a computed value can be null as a whole.
    if (value.origin.from === 'struct') return false;
    const read = readerOf(value, { substituted: false });
    return (event) => read(event) === null;
  };
}
