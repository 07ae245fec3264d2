import { describe, expect, it } from 'vitest';
import { avscType } from '../../../test/oracles/avsc.ts';
import { ChainRunner, jsonOf, type RunnerOptions, type TestColumn } from '../../../test/transforms/chain-runner.ts';

const K = 'org.apache.kafka.connect.transforms.';
const UNWRAP = { type: 'io.debezium.transforms.ExtractNewRecordState', 'delete.tombstone.handling.mode': 'rewrite-with-tombstone' };
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'a', type: 'text' },
  { name: 'n', type: 'int4', defaultExpression: '7' },
];

type Options = Record<string, string>;

function chain(type: string, options: Options, more: Partial<RunnerOptions> = {}): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages: [UNWRAP, { type: `${K}${type}`, ...options }], ...more });
}

async function sentValue(runner: ChainRunner, ...row: (string | null)[]): Promise<unknown> {
  return jsonOf((await runner.create(...row))?.value);
}

const REWRITTEN = { __deleted: 'false' };

describe('ReplaceField', () => {
  it.each<[Options, unknown]>([
    [{ exclude: 'a,nowhere' }, { id: 1, n: 2 }],
    [{ include: 'n,a' }, { a: 'x', n: 2 }],
    [{ include: 'n,a', exclude: 'a' }, { n: 2 }],
    [{ renames: 'a:b,nowhere:x' }, { id: 1, b: 'x', n: 2 }],
    [
      { renames: 'id:a,a:b', exclude: 'n' },
      { a: 1, b: 'x' },
    ],
    [
      { renames: 'id:a', exclude: 'a' },
      { a: 1, n: 2 },
    ],
  ])('with %o gives %o', async (options, expected) => {
    const value = await sentValue(chain('ReplaceField$Value', { ...options, renames: options['renames'] ?? '' }), '1', 'x', '2');
    expect(value).toEqual('include' in options ? expected : { ...(expected as object), ...REWRITTEN });
  });

  it('refuses two fields of one name, and a mapping that is none', async () => {
    await expect(chain('ReplaceField$Value', { renames: 'a:n' }).create('1', 'x', '2')).rejects.toThrow(
      'Cannot create field because of field name duplication n',
    );
    expect(() => chain('ReplaceField$Value', { renames: 'a' })).toThrow('Invalid rename mapping: a');
  });

  it('looks for a renamed field under its old name also where the new name was there before', async () => {
    await expect(chain('ReplaceField$Value', { renames: 'nowhere:a' }).create('1', 'x', '2')).rejects.toThrow(
      'nowhere is not a valid field name',
    );
  });

  it('changes the key, and leaves a tombstone and a key that is null as they are', async () => {
    const renamed = await chain('ReplaceField$Key', { renames: 'id:key' }).send({ kind: 'delete', before: ['1', null, null] });
    expect(renamed.map((sent) => jsonOf(sent?.key))).toEqual([{ key: 1 }, { key: 1 }]);
    const [, tombstone] = await chain('ReplaceField$Value', { exclude: 'a' }).send({ kind: 'delete', before: ['1', null, null] });
    expect(tombstone?.value).toBeNull();
    const [keyless] = await chain('ReplaceField$Key', { renames: 'id:key' }, { key: [] }).send({ kind: 'create', after: ['1', 'x', '2'] });
    expect(keyless?.key).toBeNull();
  });

  it('puts defaults where nulls were, unless it is told not to', async () => {
    const more = { converters: { key: 'json', value: 'json with nulls' }, stages: [] };
    const options = { exclude: 'a' };
    const stages = (extra: Options) => [
      { ...UNWRAP, 'replace.null.with.default': 'false' },
      { type: `${K}ReplaceField$Value`, ...options, ...extra },
    ];
    const run = (extra: Options): Promise<unknown> => sentValue(chain('', {}, { ...more, stages: stages(extra) }), '1', 'x', null);
    expect(await run({})).toEqual({ id: 1, n: 7, ...REWRITTEN });
    expect(await run({ 'replace.null.with.default': 'false' })).toEqual({ id: 1, n: null, ...REWRITTEN });
  });

  it('makes an Avro schema with the new names', async () => {
    const runner = chain('ReplaceField$Value', { renames: 'a:b', include: 'a,n' }, { converters: { key: 'json', value: 'avro' } });
    const sent = await runner.create('1', 'x', '2');
    const [value] = runner.schemas;
    expect(avscType(value?.schema ?? '').fromBuffer(sent?.value?.subarray(5) ?? Buffer.alloc(0))).toEqual({ b: 'x', n: 2 });
  });
});

describe('InsertField', () => {
  const ALL = {
    'static.field': 's',
    'static.value': 'fixed',
    'topic.field': 't!',
    'partition.field': 'p?',
    'timestamp.field': 'ts',
  };

  it('appends what is known of the record, in its own order; a record has no partition and no timestamp yet', async () => {
    const more = { converters: { key: 'json', value: 'json with schemas' } };
    const sent = jsonOf((await chain('InsertField$Value', ALL, more).create('1', 'x', '2'))?.value);
    expect(sent).toMatchObject({
      payload: { id: 1, a: 'x', n: 2, __deleted: 'false', t: 'srv.public.t', p: null, ts: null, s: 'fixed' },
      schema: { type: 'struct', optional: false, name: 'srv.public.t.Value' },
    });
    const { fields } = (sent as { schema: { fields: unknown[] } }).schema;
    expect(fields.slice(-4)).toEqual([
      { field: 't', type: 'string', optional: false },
      { field: 'p', type: 'int32', optional: true },
      { field: 'ts', type: 'int64', optional: true, name: 'org.apache.kafka.connect.data.Timestamp', version: 1 },
      { field: 's', type: 'string', optional: true },
    ]);
  });

  it('sees the topic of the stage before, and acts on keys', async () => {
    const stages = [
      { type: `${K}RegexRouter`, regex: '(.*)\\.t', replacement: '$1.u' },
      { type: `${K}InsertField$Key`, 'topic.field': 'topic' },
    ];
    const sent = await new ChainRunner({ columns: COLUMNS, stages }).create('1', 'x', '2');
    expect(jsonOf(sent?.key)).toEqual({ id: 1, topic: 'srv.public.u' });
  });

  it('fails for a required field without a value, and for a name that is taken', async () => {
    await expect(chain('InsertField$Value', { 'partition.field': 'p!' }).create('1', 'x', '2')).rejects.toThrow('required');
    await expect(chain('InsertField$Value', { 'topic.field': 'a' }).create('1', 'x', '2')).rejects.toThrow('field name duplication a');
  });

  it.each<[Options, string]>([
    [{}, 'No field insertion configured'],
    [{ 'static.field': 's' }, 'No value specified for static field: s'],
    [{ 'offset.field': 'o' }, 'Only SinkRecord supported for [field insertion]'],
  ])('refuses %o', (options, reason) => {
    expect(() => chain('InsertField$Value', options)).toThrow(reason);
  });
});
