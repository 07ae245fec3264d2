import { expect, test } from 'vitest';
import { isSameProtobufShape, protobufDifferences } from './differences.ts';
import { DEFAULT_PROTOBUF_SETTINGS, protobufSchema } from './schema.ts';

const ROW = `syntax = "proto3";
package s.public.t;

import "confluent/type/decimal.proto";

message Value {
  int32 id = 1;
  optional confluent.type.Decimal price = 2 [(confluent.field_meta) = {
    params: [
      {
        value: "2",
        key: "scale"
      }
    ]
  }];
  repeated ConnectDefault1Entry h = 3;

  message ConnectDefault1Entry {
    string key = 1;
    string value = 2;
  }
}
`;

test('options, comments, order and full names are no difference', () => {
  const other = `// of another printer
syntax = "proto3"; package s.public.t;
import "confluent/type/decimal.proto";
message Value {
  message ConnectDefault1Entry { string value = 2; string key = 1; }
  optional .confluent.type.Decimal price = 2;
  int32 id = 1; /* the key */
  repeated .s.public.t.Value.ConnectDefault1Entry h = 3;
}`;
  expect(protobufDifferences({ registered: other, wanted: ROW })).toEqual([]);
  expect(isSameProtobufShape(ROW, other)).toBe(true);
});

test.each<[what: string, change: (text: string) => string, differences: readonly string[]]>([
  ['a new field', (text) => text.replace('int32 id = 1;', 'int32 id = 1;\n  string note = 4;'), ['Value.note added']],
  ['a field less', (text) => text.replace('  int32 id = 1;\n', ''), ['Value.id removed']],
  ['another type', (text) => text.replace('int32 id', 'int64 id'), ['Value.id: int64 = 1, was int32 = 1']],
  ['another number', (text) => text.replace('id = 1', 'id = 9'), ['Value.id: int32 = 9, was int32 = 1']],
  ['another label', (text) => text.replace('  int32 id', '  optional int32 id'), ['Value.id: optional int32 = 1, was int32 = 1']],
  [
    'an inner field',
    (text) => text.replace('string value = 2', 'bytes value = 2'),
    ['Value.ConnectDefault1Entry.value: bytes = 2, was string = 2'],
  ],
])('%s is named by its path', (_, change, differences) => {
  expect(protobufDifferences({ registered: ROW, wanted: change(ROW) })).toEqual(differences);
  expect(isSameProtobufShape(ROW, change(ROW))).toBe(false);
});

test('a text that is not a schema is never the same', () => {
  expect(isSameProtobufShape('{"type":"string"}', '{"type":"string"}')).toBe(false);
});

test('a row without columns is the same as itself', () => {
  const { text } = protobufSchema({ type: 'struct', optional: false, name: 's.public.t.Key', fields: [] }, DEFAULT_PROTOBUF_SETTINGS);
  expect(text).toBe('syntax = "proto3";\npackage s.public.t;\n\nmessage Key {}\n');
  expect(isSameProtobufShape(text, text)).toBe(true);
});
