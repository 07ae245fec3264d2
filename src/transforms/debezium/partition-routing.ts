/**
 * Owns PartitionRouting, which chooses the partition by hashes of fields of the event. Source: io.debezium.transforms.partitions.PartitionRouting.
 */
import type { EventView } from '../../events/event-view.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import { findField } from '../fields.ts';
import { type Nullness, nullnessOf } from '../nullness.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import { isEnvelope, type RecordKind, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { javaHashOf, murmurHashOf } from './java-hash.ts';

const PURPOSE = 'partition routing';
const INT32_MAX = 0x7fffffff;
const KINDS: readonly RecordKind[] = ['create', 'update', 'read', 'delete'];

/** Null: the field is left out. */
type FieldHash = (event: EventView) => number | null;
type HashOf = typeof javaHashOf;

export function partitionRouting(settings: TransformSettings): Transform {
  const paths = settings.list('partition.payload.fields').map((path) => path.split('.').map((part) => part.trim()));
  const partitionCount = Number(settings.text('partition.topic.num', '1').trim());
  const hashOf = settings.text('partition.hash.function', 'java').trim().toLowerCase() === 'murmur' ? murmurHashOf : javaHashOf;
  return (record) => {
    const { value, kind, partition } = record;
    if (value === undefined || !isEnvelope(record) || !KINDS.includes(kind)) return recordOutcome(record);
    const hashes = paths.map((path) => hashAt(record, value, { path, hashOf })).filter((hash) => hash !== undefined);
    if (hashes.length === 0) return recordOutcome(record);
    const read = (event: EventView): number | null => {
      const present = hashes.map((hash) => hash(event)).filter((hash) => hash !== null);
      return present.length === 0 ? (partition?.(event) ?? null) : partitionOf(present, partitionCount);
    };
    return recordOutcome({ ...record, partition: read });
  };
}

function partitionOf(hashes: readonly number[], partitionCount: number): number {
  const sum = hashes.reduce((total, hash) => (total + hash) | 0, 0) & INT32_MAX;
  return (sum === INT32_MAX ? 0 : sum) % partitionCount;
}

/** Undefined: there is no such field. */
function hashAt(
  { kind }: ShapedRecord,
  envelope: ValueShape,
  { path, hashOf }: { readonly path: readonly string[]; readonly hashOf: HashOf },
): FieldHash | undefined {
  let shape: ValueShape = envelope;
  const parents: Nullness[] = [];
  for (const [index, part] of path.entries()) {
    if (shape.schema.type !== 'struct') return undefined;
    // A null struct on the way is an error, whatever field of it is meant.
    if (index > 0) parents.push(nullnessOf(shape, kind));
    if (parents.includes(true)) return unprocessable;
    const isChange = part === 'change' && index < path.length - 1;
    const found = findField(shape, isChange ? changedImage(kind) : part, PURPOSE);
    if (found === undefined) return undefined;
    shape = found;
  }
  const read = readerOf(shape, { substituted: true });
  const hash = hashOf(shape.schema);
  const tests = parents.filter((isNull) => typeof isNull !== 'boolean');
  return (event) => {
    if (tests.some((isNull) => isNull(event))) return unprocessable();
    const value = read(event);
    return value === null ? null : hash(value);
  };
}

function changedImage(kind: RecordKind): string {
  return kind === 'delete' ? 'before' : 'after';
}

function unprocessable(): never {
  throw new TransformError('Unprocessable message: a struct of partition.payload.fields is null');
}
