import { expect, test } from 'vitest';
import { parseProperties } from './properties.ts';

/** What java.util.Properties makes of the same text. */
test.each([
  ['a=1\nb : 2\nc 3\n', { a: '1', b: '2', c: '3' }],
  ['# a=1\n  ! b=2\n\n  c=3', { c: '3' }],
  ['a=1\na=2', { a: '2' }],
  ['a = b = c ', { a: 'b = c ' }],
  ['a=x,\\\n   y,\\\n   z\nb=1', { a: 'x,y,z', b: '1' }],
  ['a=x\\\\\nb=1', { a: 'x\\', b: '1' }],
  ['a=1\\', { a: '1' }],
  ['a\\ b\\:c=1\\tx\\u00e9', { 'a b:c': '1\txé' }],
  ['empty=\nbare', { empty: '', bare: '' }],
  ['a=1\r\nb=2\r\n', { a: '1', b: '2' }],
  ['path=C\\:\\\\kafka', { path: 'C:\\kafka' }],
])('%j holds %j', (text, properties) => {
  expect(Object.fromEntries(parseProperties(text))).toEqual(properties);
});
