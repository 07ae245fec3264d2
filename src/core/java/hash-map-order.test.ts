/** Orders printed by java.util.HashMap itself (Java 17), for keys of which many collide. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inHashMapOrder, stringHash } from './hash-map-order.ts';

/** Keys in the order of insertion, and as Java iterates over them. */
const STRINGS: readonly (readonly [inserted: string, iterated: string])[] = [
  [
    'AaAaAaAaAa,BBAaAaAaAa,BBBBAaAaAa,BBBBAaBBBB,BBBBAaBBAa,BBAaAaAaBB,BBAaAaBBAa,BBBBBBAaAa,AaBBBBAaBB,BBAaBBAaBB,AaAaBBAaBB,AaAaBBBBAa,BBAaAaBBBB,AaBBAaBBAa,BBAaBBBBAa,AaBBBBBBBB,AaBBBBAaAa',
    'BBAaAaBBAa,AaAaAaAaAa,BBAaAaAaAa,BBBBAaAaAa,BBAaBBBBAa,BBBBAaBBBB,BBBBAaBBAa,BBAaAaAaBB,BBBBBBAaAa,AaBBBBAaBB,AaBBBBAaAa,AaBBBBBBBB,AaAaBBBBAa,AaBBAaBBAa,BBAaBBAaBB,BBAaAaBBBB,AaAaBBAaBB',
  ],
  [
    'BBBBAaAaBB,AaBBBBAaAa,AaBBAaAaAa,BBBBBBBBAa,BBAaBBBBAa,AaBBAaBBBB,BBBBAaAaAa,BBAaBBBBBB,AaBBBBAaBB,BBAaAaBBAa,AaBBAaBBAa,BBAaBBAaBB,BBAaBBAaAa,AaAaAaAaBB,AaAaBBBBAa,AaAaBBBBBB,AaBBAaAaBB',
    'BBAaBBBBBB,BBBBAaAaBB,AaBBBBAaAa,AaBBAaAaAa,AaBBAaAaBB,AaAaBBBBBB,AaAaAaAaBB,AaAaBBBBAa,BBBBBBBBAa,BBAaBBBBAa,BBAaBBAaBB,BBAaBBAaAa,AaBBAaBBBB,BBBBAaAaAa,AaBBBBAaBB,BBAaAaBBAa,AaBBAaBBAa',
  ],
];

/** A map of 16-bit numbers, made for as many as there are. */
const NUMBERS: readonly (readonly [inserted: string, iterated: string])[] = [
  [
    '1858,2240,2432,2624,3520,3648,4352,5568,5632,6848,7040,7360,8896,9344,9472,9728,12160,12352,12800,14784,15616,15744,16832,17792,18178,18305,20032,20224,20865,21504,23425,23872,24448,25026,25792,26113,27072,27264,27712,27904,27970,28096,28802,28928,29184,29312,30016,30208,30336,30848,32384,32705',
    '12800,12160,5632,2432,4352,7040,9344,9472,9728,15616,15744,17792,20224,21504,24448,27264,27904,28928,29184,29312,30208,30336,30848,32384,18305,20865,23425,26113,18178,28802,8896,3520,2240,2624,3648,5568,6848,7360,12352,14784,16832,20032,23872,25792,27072,27712,28096,30016,32705,1858,25026,27970',
  ],
];

describe('the order of a HashMap', () => {
  it.each(STRINGS)('of strings that collide: %s', (inserted, iterated) => {
    const shape = { hashOf: stringHash, compare: (a: string, b: string) => (a < b ? -1 : 1) };
    expect(inHashMapOrder(inserted.split(','), shape).join(',')).toBe(iterated);
  });

  it.each(NUMBERS)('of numbers that collide: %s', (inserted, iterated) => {
    const numbers = inserted.split(',').map(Number);
    const shape = { hashOf: (number: number) => number, compare: (a: number, b: number) => a - b, expected: numbers.length };
    expect(inHashMapOrder(numbers, shape).join(',')).toBe(iterated);
  });

  it('holds every entry once, whatever collides', () => {
    const keys = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
    fc.assert(
      fc.property(keys, fc.constantFrom(1, 16, 64, 256), (numbers, step) => {
        const shape = { hashOf: (number: number) => number * step, compare: (a: number, b: number) => a - b };
        expect(inHashMapOrder(numbers, shape).sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
      }),
    );
  });
});
