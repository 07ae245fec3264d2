import { describe, expect, it } from 'vitest';
import { isSameShape, schemaDifferences } from './differences.ts';

function value(fields: readonly object[]): object {
  return { type: 'record', name: 'Value', namespace: 'shop.orders', fields };
}

function envelope(fields: readonly object[]): string {
  const before = { name: 'before', type: ['null', value(fields)], default: null };
  return JSON.stringify({
    type: 'record',
    name: 'Envelope',
    namespace: 'shop.orders',
    fields: [before, { name: 'after', type: ['null', 'Value'] }],
  });
}

const ID = { name: 'id', type: 'int' };

describe('the differences of two schemas', () => {
  it('are named by path, in every place of a record that stands twice', () => {
    const price = (precision: number): object => ({ name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision, scale: 2 } });
    expect(
      schemaDifferences({ registered: envelope([ID, price(5)]), wanted: envelope([price(9), { name: 'n', type: 'long', default: 0 }]) }),
    ).toEqual([
      'before.price: bytes (decimal 9,2), was bytes (decimal 5,2)',
      'before.n added',
      'after.price: bytes (decimal 9,2), was bytes (decimal 5,2)',
      'after.n added',
      'before.id removed',
      'after.id removed',
    ]);
  });

  it('go into arrays and maps, and are none between equal schemas', () => {
    const list = (type: string): object => ({ name: 'list', type: { type: 'array', items: { type: 'map', values: type } } });
    expect(schemaDifferences({ registered: envelope([list('int')]), wanted: envelope([list('long')]) })[0]).toBe(
      'before.list: array of map of long, was array of map of int',
    );
    expect(schemaDifferences({ registered: envelope([list('int')]), wanted: envelope([list('int')]) })).toEqual([]);
  });

  it('are everything where the registered text is no schema', () => {
    expect(schemaDifferences({ registered: '{', wanted: JSON.stringify(value([ID])) })).toEqual(['id added without default']);
  });
});

describe('the shape of a schema', () => {
  it('is the same whatever docs, defaults and properties say, and not when fields change places', () => {
    const documented = { ...ID, doc: 'key', default: 0, 'connect.name': 'x' };
    const name = { name: 'name', type: 'string' };
    expect(isSameShape(envelope([ID, name]), envelope([documented, name]))).toBe(true);
    expect(isSameShape(envelope([ID, name]), envelope([name, ID]))).toBe(false);
    expect(isSameShape(envelope([ID]), envelope([{ ...ID, type: ['null', 'int'] }]))).toBe(false);
  });
});
