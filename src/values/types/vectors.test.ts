/** pgvector: dense vectors as lists of numbers, sparse ones as pairs in the order of Java's HashMap. */
import { describe, expect, it } from 'vitest';
import { arrayType, captured, codecOf, convert, extension } from '../../../test/oracles/columns.ts';

function sparse(dimensions: number, entries: readonly (readonly [number, number])[]): unknown {
  return { dimensions, vector: new Map(entries.map(([index, value]) => [String(index), value])) };
}

/** Maps compare without order. */
function order(text: string): string[] {
  const { vector } = convert(extension('sparsevec'), text) as { vector: Map<string, number> };
  return [...vector.keys()];
}

describe('vector and halfvec', () => {
  it.each(['vector', 'halfvec'])('%s is a list of numbers', (name) => {
    expect(convert(extension(name), '[1,2.5,-3]')).toStrictEqual([1, 2.5, -3]);
    expect(convert(extension(name), '[-0]')).toStrictEqual([-0]);
  });

  it('a vector keeps the digits that were printed, a halfvec is rounded to floats', () => {
    expect(convert(extension('vector'), '[0.1,3.4028235e+38]')).toStrictEqual([0.1, 3.4028235e38]);
    expect(convert(extension('halfvec'), '[0.099975586]')).toStrictEqual([Math.fround(0.099975586)]);
  });

  it.each(['[]', '[1,]', '[1', '1]', '[a]', '[,1]', '{1}', ''])('%s is refused', (text) => {
    expect(() => convert(extension('vector'), text)).toThrow('not a valid');
  });

  it('are required in an array: a null fails the whole array', () => {
    const type = arrayType(extension('vector'));
    expect(convert(type, '{"[1,2]","[3]"}')).toStrictEqual([[1, 2], [3]]);
    expect(() => convert(type, '{NULL,"[1]"}')).toThrow('null element');
    expect(codecOf(type).schema.items?.optional).toBe(false);
  });
});

describe('sparsevec', () => {
  const type = extension('sparsevec');

  it('is written as its dimensions and its entries', () => {
    expect(convert(type, '{1:1.5,3:-2}/5')).toStrictEqual(sparse(5, [[1, 1.5], [3, -2]])); // biome-ignore format: pairs
    expect(convert(type, '{}/1')).toStrictEqual(sparse(1, []));
    expect(captured(codecOf(type, { optional: false }).writeFallback)).toStrictEqual(sparse(0, []));
  });

  it('has its entries in the order of a HashMap made for that many', () => {
    expect(order('{1:2,2:6,3:1,17:4,20:3,33:5}/40')).toStrictEqual(['1', '17', '33', '2', '3', '20']);
    expect(order('{1:0.1,2:1e+10,16000:-1e-10}/16000')).toStrictEqual(['16000', '1', '2']);
  });

  it('of more dimensions than Debezium counts is refused, and so is any element of an array', () => {
    expect(convert(type, '{32767:1}/32767')).toStrictEqual(sparse(32767, [[32767, 1]]));
    expect(() => convert(type, '{1:1}/32768')).toThrow('dimensions');
    expect(convert(arrayType(type), '{}')).toStrictEqual([]);
    expect(() => convert(arrayType(type), '{"{1:2}/3"}')).toThrow('no form');
  });

  it.each(['{}', '{1}/2', '{1:}/2', '{a:1}/2', '{1:1/2', '{1:1}/x', '{1:1,}/2'])('%s is refused', (text) => {
    expect(() => convert(type, text)).toThrow('not a valid');
  });
});
