import { describe, expect, it } from 'vitest';
import { avscType } from '../../../test/oracles/avsc.ts';
import { ChainRunner, jsonOf, type RunnerOptions, type TestColumn, textOfHalf } from '../../../test/transforms/chain-runner.ts';

const K = 'org.apache.kafka.connect.transforms.';
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'a.b', type: 'text' },
  { name: 'n', type: 'int4', defaultExpression: '7' },
];
const NULLS = { key: 'json', value: 'json with nulls' };

type Stage = RunnerOptions['stages'][number];

function chain(stages: readonly Stage[], more: Partial<RunnerOptions> = {}): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages, ...more });
}

const extract = (field: string, more: Record<string, string> = {}): Stage => ({ type: `${K}ExtractField$Value`, field, ...more });
const DELETED = { kind: 'delete', before: ['1', null, null] } as const;

describe('HoistField', () => {
  it('puts the whole into a field of a struct without a name', async () => {
    const more = { converters: { key: 'json with schemas', value: 'json' } };
    const sent = await chain([{ type: `${K}HoistField$Key`, field: 'k' }], more).create('1', 'x', '2');
    expect(jsonOf(sent?.key)).toEqual({
      schema: {
        type: 'struct',
        optional: false,
        fields: [
          {
            field: 'k',
            type: 'struct',
            optional: false,
            name: 'srv.public.t.Key',
            fields: [{ field: 'id', type: 'int32', optional: false }],
          },
        ],
      },
      payload: { k: { id: 1 } },
    });
  });

  it('makes a value without a schema of a tombstone, which only JSON can write', async () => {
    const stages = [{ type: `${K}HoistField$Value`, field: 'v' }];
    const texts = async (value: string): Promise<unknown> =>
      textOfHalf((await chain(stages, { converters: { key: 'json', value } }).send(DELETED))[1]?.value);
    expect(await texts('json')).toBe('{"v":null}');
    expect(await texts('json with schemas')).toBe('{"schema":null,"payload":{"v":null}}');
    await expect(texts('string')).rejects.toThrow('the converter cannot write a value without a schema');
  });
});

describe('ExtractField', () => {
  it('takes a field with its schema; where there is none, a null with that schema', async () => {
    const runner = chain([extract('after')], { converters: { key: 'json', value: 'json with schemas' } });
    expect(jsonOf((await runner.create('1', 'x', '2'))?.value)).toMatchObject({
      schema: { type: 'struct', optional: true, name: 'srv.public.t.Value' },
      payload: { id: 1, 'a.b': 'x', n: 2 },
    });
    const [deleted, tombstone] = await runner.send(DELETED);
    expect(jsonOf(deleted?.value)).toMatchObject({ schema: { name: 'srv.public.t.Value' }, payload: null });
    expect(tombstone?.value).toBeNull();
  });

  it('gives null bytes in Avro where the row is not there, known before or only by the record', async () => {
    const columns: readonly TestColumn[] = [{ name: 'id', type: 'int4', notNull: true }];
    const after = chain([extract('after')], { columns, converters: { key: 'json', value: 'avro' } });
    expect((await after.send({ kind: 'delete', before: ['1'] }))[0]?.value).toBeNull();
    const before = chain([extract('before')], { columns, converters: { key: 'json', value: 'avro' } });
    expect((await before.send({ kind: 'update', after: ['1'] }))[0]?.value).toBeNull();
    const [sent] = await before.send({ kind: 'update', before: ['3'], after: ['1'] });
    const { schema = '' } = before.schemas[0] ?? {};
    expect(avscType(schema).fromBuffer(sent?.value?.subarray(5) ?? Buffer.alloc(0))).toMatchObject({ id: 3 });
  });

  it('takes a plain key, and a null key with a schema', async () => {
    const more = { converters: { key: 'json with schemas', value: 'json' } };
    const plain = await chain([{ type: `${K}ExtractField$Key`, field: 'id' }], more).create('1', 'x', '2');
    expect(textOfHalf(plain?.key)).toBe('{"schema":{"type":"int32","optional":false},"payload":1}');
    const stages = [extract('after'), { type: `${K}ValueToKey`, fields: 'a.b' }, { type: `${K}ExtractField$Key`, field: 'a.b' }];
    const nulled = await chain(stages, more).create('1', null, '2');
    expect(textOfHalf(nulled?.key)).toBe('{"schema":{"type":"string","optional":true},"payload":null}');
  });

  it.each([
    ['after.n', '2'],
    ['after.`a.b`', '"x"'],
    ['source.table', '"t"'],
    ['before.n', '7'],
    ['op', '"c"'],
  ])('follows the path %s in the second syntax', async (path, expected) => {
    const sent = await chain([extract(path, { 'field.syntax.version': 'V2' })]).create('1', 'x', '2');
    expect(textOfHalf(sent?.value)).toBe(expected);
  });

  it('follows a path through a row that only the record knows to be there', async () => {
    const runner = chain([extract('before.n', { 'field.syntax.version': 'V2' })], { converters: NULLS });
    const sentValue = async (before?: readonly (string | null)[]): Promise<string | null> =>
      textOfHalf((await runner.send({ kind: 'update', ...(before === undefined ? {} : { before }), after: ['1', 'x', '2'] }))[0]?.value);
    expect(await sentValue(['1', 'x', '5'])).toBe('5');
    // Within a row a null is read as the default; a row that is not there has none.
    expect(await sentValue(['1', 'x', null])).toBe('7');
    expect(await sentValue()).toBe('null');
  });

  it('reads the last step raw where the option says so', async () => {
    const stages = [extract('after.n', { 'field.syntax.version': 'V2', 'replace.null.with.default': 'false' })];
    expect(textOfHalf((await chain(stages, { converters: NULLS }).create('1', 'x', null))?.value)).toBe('null');
  });

  it('refuses a field that is not there, and a path whose backticks do not close', async () => {
    await expect(chain([extract('nowhere')]).create('1', 'x', '2')).rejects.toThrow('Unknown field: nowhere');
    expect(() => chain([extract('`a', { 'field.syntax.version': 'V2' })])).toThrow('Incomplete backtick pair in path: [`a]');
  });
});

describe('ValueToKey', () => {
  it('makes a key of fields in the order of the option', async () => {
    const more = { converters: { key: 'json with schemas', value: 'json' } };
    const sent = await chain([extract('after'), { type: `${K}ValueToKey`, fields: 'n,id' }], more).create('1', 'x', null);
    expect(jsonOf(sent?.key)).toEqual({
      schema: {
        type: 'struct',
        optional: false,
        fields: [
          { field: 'n', type: 'int32', optional: true, default: 7 },
          { field: 'id', type: 'int32', optional: false },
        ],
      },
      payload: { n: 7, id: 1 },
    });
  });

  it('fails at nulls and at fields that are not there', async () => {
    const stages = [extract('after'), { type: `${K}ValueToKey`, fields: 'id' }];
    await expect(chain(stages).send(DELETED)).rejects.toThrow(
      'Only Struct objects supported for [copying fields from value to key], found: null',
    );
    await expect(chain([extract('after'), { type: `${K}ValueToKey`, fields: 'x' }]).create('1', 'x', '2')).rejects.toThrow(
      'Field does not exist: x',
    );
  });
});

describe('SetSchemaMetadata', () => {
  it('names a schema, also of a null', async () => {
    const stages = [extract('after'), { type: `${K}SetSchemaMetadata$Value`, 'schema.name': 'x.Y', 'schema.version': '3' }];
    const runner = chain(stages, { converters: { key: 'json', value: 'json with schemas' } });
    const named = { schema: { name: 'x.Y', version: 3, optional: true } };
    expect(jsonOf((await runner.create('1', 'x', null))?.value)).toMatchObject({ ...named, payload: { id: 1, n: 7 } });
    const [deleted, tombstone] = await runner.send(DELETED);
    expect(jsonOf(deleted?.value)).toMatchObject({ ...named, payload: null });
    expect(tombstone?.value).toBeNull();
  });

  it('needs something to set', () => {
    expect(() => chain([{ type: `${K}SetSchemaMetadata$Value` }])).toThrow('Neither schema name nor version configured');
  });
});

describe('TimestampRouter', () => {
  it('fails where the record has no timestamp', async () => {
    await expect(chain([{ type: `${K}TimestampRouter` }]).create('1', 'x', '2')).rejects.toThrow('Timestamp missing on record');
  });

  it('names the topic by the timestamp that the outbox has set', async () => {
    const texts = ['id', 'aggregatetype', 'aggregateid', 'payload'].map((name) => ({ name, type: 'text', notNull: true }));
    const columns = [...texts, { name: 'at', type: 'timestamp', typmod: 3 }];
    const stages = [
      { type: 'io.debezium.transforms.outbox.EventRouter', 'table.field.event.timestamp': 'at' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Kafka's own placeholders
      { type: `${K}TimestampRouter`, 'topic.format': '${timestamp}.${topic}', 'timestamp.format': "yyyy'w'DDD" },
    ];
    const sent = await new ChainRunner({ columns, stages }).create('1', 'order', '7', '{}', '2024-02-01 00:00:00');
    expect(sent?.topic).toBe('2024w032.outbox.event.order');
  });
});
