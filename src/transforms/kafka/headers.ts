/**
 * Owns the transforms that change headers.
 * Source: org.apache.kafka.connect.transforms.InsertHeader, DropHeaders, HeaderFrom.
 */
import type { ValueShape } from '../../events/record-shape.ts';
import { copyBasics, fieldNamed, fieldsOf, type Side, structOf, withSide } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { HeaderList, type HeaderShape, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { parseLiteral } from './literal.ts';
import { fieldReader, nullFailure } from './operating.ts';

export function insertHeader(settings: TransformSettings): Transform {
  const header: HeaderShape = { name: settings.text('header', ''), value: parseLiteral(settings.text('value.literal', '')) };
  return (record) => recordOutcome(withHeaders(record, [...record.headers.entries, header]));
}

export function dropHeaders(settings: TransformSettings): Transform {
  const dropped = new Set(settings.list('headers'));
  return (record) =>
    recordOutcome(
      withHeaders(
        record,
        record.headers.entries.filter(({ name }) => !dropped.has(name)),
      ),
    );
}

export function headerFrom(side: Side, settings: TransformSettings): Transform {
  const fields = settings.list('fields');
  const headers = settings.list('headers');
  const operation = settings.text('operation', '');
  if (headers.length !== fields.length)
    throw new TransformError("'fields' config must have the same number of elements as 'headers' config.");
  if (operation !== 'move' && operation !== 'copy') throw new TransformError(`Invalid operation name: ${operation}`);
  const purpose = `header ${operation}`;
  const readField = fieldReader(settings);

  const present = (record: ShapedRecord, shape: ValueShape): ShapedRecord => {
    const known = fieldsOf(shape, purpose);
    const made = fields.map((name, index): HeaderShape => {
      const field = known.find((one) => one.field === name);
      if (field === undefined) throw new TransformError(`there is no field ${name}`);
      const { schema, origin } = readField(field);
      return { name: headers[index] ?? '', value: { schema, origin } };
    });
    const rest = known.filter(({ field }) => !fields.includes(field)).map((field) => fieldNamed(field.field, readField(field)));
    const changed = operation === 'copy' ? record : withSide(record, side, structOf(copyBasics(shape.schema), rest));
    return withHeaders(changed, [...record.headers.entries, ...made]);
  };
  return (record) =>
    whereThere(record, side, {
      present: (shape) => recordOutcome(present(record, shape)),
      absent: (shape) => {
        throw nullFailure(shape, purpose);
      },
    });
}

function withHeaders(record: ShapedRecord, entries: readonly HeaderShape[]): ShapedRecord {
  return { ...record, headers: new HeaderList(entries) };
}
