import { describe, expect, it } from 'vitest';
import { fieldNameAdjuster, schemaNameAdjuster } from './name-adjustment.ts';

/** As in the recordings names-avro*.json. */
const FIELDS: readonly (readonly [name: string, avro: string, avroUnicode: string])[] = [
  ['id', 'id', 'id'],
  ['1 Id', '_1_Id', '_u0031_u0020Id'],
  ['k.ä', 'k__', 'k_u002e_u00e4'],
  ['2nd', '_2nd', '_u0032nd'],
  ['ünï😀', '_n___', '_u00fcn_u00ef_ud83d_ude00'],
  ['_u', '_u', '_u005fu'],
  ['łódź', '__d_', '_u142_u00f3d_u17a'],
  ['tab\tx', 'tab_x', 'tab_u009x'],
  ['٣x', '_٣x', '_u663x'],
  ['a1', 'a1', 'a1'],
];

describe('adjusted names', () => {
  it.each(FIELDS)('of the field %s', (name, avro, avroUnicode) => {
    expect(fieldNameAdjuster('none')(name)).toBe(name);
    expect(fieldNameAdjuster('avro')(name)).toBe(avro);
    expect(fieldNameAdjuster('avro_unicode')(name)).toBe(avroUnicode);
  });

  it('of schemas keep their dots, but for one in front', () => {
    expect(schemaNameAdjuster('avro')('my-srv.My_Schema.1_T.x.Key')).toBe('my_srv.My_Schema.1_T.x.Key');
    expect(schemaNameAdjuster('avro_unicode')('my-srv.a_b.Value')).toBe('my_u002dsrv.a_u005fb.Value');
    expect(schemaNameAdjuster('avro')('.a')).toBe('_a');
    expect(schemaNameAdjuster('none')('my-srv.x')).toBe('my-srv.x');
  });
});
