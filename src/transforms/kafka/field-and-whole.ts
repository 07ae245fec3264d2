/**
 * Owns the transforms that make a field of a whole, or a whole of fields.
 * Source: org.apache.kafka.connect.transforms.HoistField, ExtractField, ValueToKey; org.apache.kafka.connect.transforms.field.SingleFieldPath.
 */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import { fieldNamed, fieldsOf, type Side, sideOf, structOf, withSide } from '../fields.ts';
import { memberOfNullable, whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { nullOf, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { fieldReader, nullFailure } from './operating.ts';

const STRUCT = { type: 'struct', optional: false } as const;

export function hoistField(side: Side, settings: TransformSettings): Transform {
  const name = settings.text('field', '');
  const schemaless: ValueShape = { ...structOf(STRUCT, [fieldNamed(name, nullOf({ type: 'string', optional: true }))]), schemaless: true };
  return (record) => {
    const shape = sideOf(record, side);
    const hoisted = shape === undefined ? schemaless : structOf(STRUCT, [fieldNamed(name, shape)]);
    return recordOutcome(withSide(record, side, hoisted));
  };
}

export function extractField(side: Side, settings: TransformSettings): Transform {
  const path = settings.text('field', '');
  const steps = settings.text('field.syntax.version', 'V1').toUpperCase() === 'V2' ? pathSteps(path) : [path];
  const substitutes = settings.flag('replace.null.with.default', true);

  const extracted = (shape: ValueShape, { kind }: ShapedRecord): ValueShape => {
    let current = shape;
    for (const [index, step] of steps.entries()) {
      const isLast = index === steps.length - 1;
      const purpose = index === 0 ? 'field extraction' : 'nested field access';
      const member = memberOfNullable(current, step, { kind, purpose, substitutes: substitutes || !isLast });
      if (member === undefined) throw new TransformError(`Unknown field: ${path}`);
      current = member;
    }
    return current;
  };
  return (record) => {
    const shape = sideOf(record, side);
    return recordOutcome(withSide(record, side, shape === undefined ? undefined : extracted(shape, record)));
  };
}

/** Kafka's second syntax: steps are separated by dots; a name with dots stands between backticks, and `\` before one of them keeps it. */
function pathSteps(path: string): readonly string[] {
  const steps: string[] = [];
  let at = 0;
  while (at < path.length) {
    const step = path[at] === '`' ? quotedStep(path, at) : plainStep(path, at);
    steps.push(step.name);
    at = step.next;
  }
  if (path === '' || path.endsWith('.')) steps.push('');
  return steps;
}

type PathStep = { readonly name: string; readonly next: number };

function plainStep(path: string, start: number): PathStep {
  const dot = path.indexOf('.', start);
  return dot === -1 ? { name: path.slice(start), next: path.length } : { name: path.slice(start, dot), next: dot + 1 };
}

/** A backtick ends the name only before a dot or the end. */
function quotedStep(path: string, start: number): PathStep {
  let name = '';
  let from = start + 1;
  for (let at = path.indexOf('`', from); at !== -1; at = path.indexOf('`', at + 1)) {
    const isLast = at === path.length - 1;
    if (!isLast && path[at + 1] !== '.') continue;
    const isEscaped = path[at - 1] === '\\';
    if (!isEscaped) return { name: name + path.slice(from, at), next: isLast ? path.length : at + 2 };
    if (isLast) break;
    name += `${path.slice(from, at - 1)}\``;
    from = at + 1;
  }
  throw new TransformError(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${start} to escape it`,
  );
}

export function valueToKey(settings: TransformSettings): Transform {
  const names = settings.list('fields');
  const readField = fieldReader(settings);
  const purpose = 'copying fields from value to key';

  const keyOf = (value: ValueShape): ValueShape => {
    const fields = fieldsOf(value, purpose);
    const chosen = names.map((name): FieldShape => {
      const field = fields.find((one) => one.field === name);
      if (field === undefined) throw new TransformError(`Field does not exist: ${name}`);
      return readField(field);
    });
    return structOf(STRUCT, chosen);
  };
  return (record) =>
    whereThere(record, 'value', {
      present: (value) => recordOutcome(withSide(record, 'key', keyOf(value))),
      absent: (shape) => {
        throw nullFailure(shape, purpose);
      },
    });
}
