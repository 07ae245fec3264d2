import { describe, expect, it } from 'vitest';
import { avscType } from '../../../test/oracles/avsc.ts';
import { ChainRunner, jsonOf, NOW_MS, type RunnerOptions, type TestColumn, textOfHalf } from '../../../test/transforms/chain-runner.ts';

const ROUTER = 'io.debezium.transforms.outbox.EventRouter';
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'uuid', notNull: true },
  { name: 'aggregatetype', type: 'text', notNull: true },
  { name: 'aggregateid', type: 'text', notNull: true },
  { name: 'type', type: 'text' },
  { name: 'payload', type: 'jsonb' },
];
const ID = '0b1b0e0a-0000-4000-8000-000000000001';

function router(options: Record<string, string> = {}, more: Partial<RunnerOptions> = {}): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages: [{ type: ROUTER, ...options }], ...more });
}

const WITH_SCHEMAS = { key: 'json with schemas', value: 'json with schemas' };
const STRING = { type: 'string', optional: false };

describe('a row of the outbox', () => {
  it('becomes an event: topic, key, header and value are its columns', async () => {
    const sent = await router({}, { converters: WITH_SCHEMAS }).create(ID, 'order', '7', 'placed', '{"a": 1}');
    expect(sent).toMatchObject({ topic: 'outbox.event.order', partition: -1, timestampMs: NOW_MS, headers: [`id=${ID}`] });
    expect(jsonOf(sent?.key)).toEqual({ schema: STRING, payload: '7' });
    expect(textOfHalf(sent?.value)).toBe(
      '{"schema":{"type":"string","optional":true,"name":"io.debezium.data.Json","version":1},"payload":"{\\"a\\": 1}"}',
    );
  });

  it('of a snapshot is one too', async () => {
    const [sent] = await router().send({ kind: 'read', after: [ID, 'order', '7', null, null] });
    expect(sent).toMatchObject({ topic: 'outbox.event.order', value: Buffer.from('null') });
  });

  it('has its topic by the whole text, or else by the bare text', async () => {
    const named = router({ 'route.topic.regex': 'a-(.*)', 'route.topic.replacement': 'to.$1' });
    expect((await named.create(ID, 'a-b', '7', null, '1'))?.topic).toBe('to.b');
    expect((await named.create(ID, 'c', '7', null, '1'))?.topic).toBe('c');
    expect((await named.create(ID, 'a-d', '7', null, '1'))?.topic).toBe('to.d');
  });

  it('without a text for the topic is refused, and so is a column of another type', async () => {
    const nullable = COLUMNS.map(({ notNull: _, ...column }) => column);
    await expect(router({}, { columns: nullable }).create(ID, null, '7', null, '1')).rejects.toThrow('aggregatetype is null');
    const columns = COLUMNS.map((column) => (column.name === 'aggregatetype' ? { ...column, type: 'int4' } : column));
    await expect(router({}, { columns }).create(ID, '1', '7', null, '1')).rejects.toThrow("Field 'aggregatetype' is not of type STRING");
  });

  it('has a null key with its schema', async () => {
    const columns = COLUMNS.map(({ notNull: _, ...column }) => column);
    const sent = await router({}, { columns, converters: WITH_SCHEMAS }).create(ID, 'order', null, null, '1');
    expect(jsonOf(sent?.key)).toEqual({ schema: { type: 'string', optional: true }, payload: null });
    const bytes = await router({}, { columns, converters: { key: 'string', value: 'json' } }).create(ID, 'order', null, null, '1');
    expect(bytes?.key).toBeNull();
  });

  it('is written in Avro by the column, and a null payload is no bytes', async () => {
    const runner = router({}, { converters: { key: 'avro', value: 'avro' } });
    const sent = await runner.create(ID, 'order', '7', null, '{"a": 1}');
    const [key, value] = runner.schemas;
    expect(key).toMatchObject({ subject: 'outbox.event.order-key', schema: '"string"' });
    expect(value?.subject).toBe('outbox.event.order-value');
    expect(avscType(key?.schema ?? '').fromBuffer(sent?.key?.subarray(5) ?? Buffer.alloc(0))).toBe('7');
    expect(avscType(value?.schema ?? '').fromBuffer(sent?.value?.subarray(5) ?? Buffer.alloc(0))).toBe('{"a": 1}');
    expect((await runner.create(ID, 'order', '7', null, null))?.value).toBeNull();
  });
});

describe('a payload of bytes', () => {
  const columns = COLUMNS.map((column) => (column.name === 'payload' ? { ...column, type: 'bytea' } : column));

  it('is written as it is by a converter of bytes, and a null is no bytes', async () => {
    const runner = router({}, { columns, converters: { key: 'string', value: 'bytes' } });
    expect((await runner.create(ID, 'order', '7', null, '\\x00ff80'))?.value).toEqual(Buffer.from([0, 255, 128]));
    expect((await runner.create(ID, 'order', '7', null, '\\x'))?.value).toEqual(Buffer.alloc(0));
    expect((await runner.create(ID, 'order', '7', null, null))?.value).toBeNull();
  });

  it('stands beside records of other types where the converter has another one for them', async () => {
    await expect(router({}, { columns, converters: { key: 'string', value: 'bytes' } }).message('p', 'c')).rejects.toThrow('writes bytes');
    const both = router({}, { columns, converters: { key: 'string', value: 'bytes or json' } });
    expect(jsonOf((await both.message('p', 'c'))?.value)).toMatchObject({ op: 'm' });
    expect((await both.create(ID, 'order', '7', null, '\\x00'))?.value).toEqual(Buffer.from([0]));
    expect((await both.create(ID, 'order', '7', null, null))?.value).toBeNull();
    const text = router({}, { converters: { key: 'string', value: 'bytes or json' } });
    expect(textOfHalf((await text.create(ID, 'order', '7', null, null))?.value)).toBe('null');
  });
});

describe('records that are no new rows', () => {
  it('are dropped: deletes with their tombstones, updates', async () => {
    const row = [ID, 'order', '7', null, '1'];
    expect(await router().send({ kind: 'delete', before: row })).toEqual([undefined, undefined]);
    expect(await router().send({ kind: 'update', after: row })).toEqual([undefined]);
  });

  it('fail where the options say so, and a truncate always', async () => {
    const update = router({ 'table.op.invalid.behavior': 'fatal' }).send({ kind: 'update', after: [ID, 'order', '7', null, '1'] });
    await expect(update).rejects.toThrow('Unexpected update message received, fail.');
    await expect(router().send({ kind: 'truncate' })).rejects.toThrow('Only Struct objects supported for [Read Outbox Event], found: null');
  });

  it('pass if they have no envelope', async () => {
    expect((await router().message('p', 'c'))?.topic).toBe('srv.message');
  });
});

describe('columns', () => {
  const CASES: readonly (readonly [Record<string, string>, string])[] = [
    [{ 'table.field.event.payload': 'x' }, 'Unable to find payload field x in event'],
    [{ 'table.field.event.id': 'x' }, 'x is not a valid field name'],
    [{ 'table.field.event.key': 'x' }, 'x is not a valid field name'],
    [{ 'route.by.field': 'x' }, 'x is not a valid field name'],
    [{ 'table.fields.additional.placement': 'x:header' }, 'x is not a valid field name'],
    [{ 'table.fields.additional.placement': 'x:partition' }, 'x is not a valid field name'],
    [{ 'table.fields.additional.placement': 'x:envelope' }, 'Unable to find field x in event'],
    [{ 'table.field.event.timestamp': 'x' }, 'Unable to find timestamp field x in event'],
  ];
  it.each(CASES)('of %j that are not there are refused', async (options, reason) => {
    await expect(router(options).create(ID, 'order', '7', null, '1')).rejects.toThrow(reason);
  });

  it('that are placed and not there are left out if the options say so', async () => {
    const options = { 'table.fields.additional.placement': 'x:header,x:partition,x:envelope,type:envelope:kind' };
    const sent = await router({ ...options, 'table.field.additional.missing': 'ignore' }).create(ID, 'order', '7', 'placed', '1');
    expect(sent?.headers).toEqual([`id=${ID}`]);
    expect(jsonOf(sent?.value)).toEqual({ payload: '1', kind: 'placed' });
  });
});

describe('placements', () => {
  const columns: readonly TestColumn[] = [
    ...COLUMNS,
    { name: 'part', type: 'int4' },
    { name: 'n', type: 'int4', defaultExpression: '5' },
    { name: 'version', type: 'int4' },
  ];

  it('add headers in their order, nulls read as defaults, and nulls', async () => {
    const sent = await router({ 'table.fields.additional.placement': 'n:HEADER:number, type:header' }, { columns }).create(
      ID,
      'order',
      '7',
      null,
      '1',
      null,
      null,
      null,
    );
    expect(sent?.headers).toEqual([`id=${ID}`, 'number=5', 'type']);
  });

  it('choose the partition, and leave it to the partitioner where the column is null', async () => {
    const runner = router({ 'table.fields.additional.placement': 'part:partition' }, { columns });
    const sent = (part: string | null) => runner.create(ID, 'order', '7', null, '1', part, '1', null);
    expect((await sent('3'))?.partition).toBe(3);
    expect((await sent(null))?.partition).toBe(-1);
    await expect(sent('8')).rejects.toThrow('Invalid partition');
    await expect(sent('-1')).rejects.toThrow('Invalid partition');
    const narrow = columns.map((column) => (column.name === 'part' ? { ...column, type: 'int2' } : column));
    await expect(
      router({ 'table.fields.additional.placement': 'part:partition' }, { columns: narrow }).create(
        ID,
        'o',
        '7',
        null,
        '1',
        '3',
        '1',
        null,
      ),
    ).rejects.toThrow("Field 'part' is not of type INT32");
  });

  it('put an envelope around the payload, whose name the first event gives', async () => {
    const options = { 'table.fields.additional.placement': 'type:envelope,n:envelope:number' };
    const runner = router(options, { columns, converters: WITH_SCHEMAS });
    const send = async (route: string): Promise<unknown> =>
      jsonOf((await runner.create(ID, route, '7', 'placed', '1', null, '2', null))?.value);
    const schema = {
      type: 'struct',
      optional: false,
      name: 'srv.public.t.order line.Value',
      fields: [
        { field: 'payload', type: 'string', optional: true, name: 'io.debezium.data.Json', version: 1 },
        { field: 'type', type: 'string', optional: true },
        { field: 'number', type: 'int32', optional: true, default: 5 },
      ],
    };
    const payload = { payload: '1', type: 'placed', number: 2 };
    expect(await send('order line')).toEqual({ schema, payload });
    expect(await send('customer')).toEqual({ schema, payload });
  });

  it('with a schema version give a name to each version', async () => {
    const options = { 'table.fields.additional.placement': 'type:envelope', 'table.field.event.schema.version': 'version' };
    const runner = router(options, { columns, converters: WITH_SCHEMAS });
    const send = async (route: string, version: string | null): Promise<unknown> =>
      jsonOf((await runner.create(ID, route, '7', 'placed', '1', null, '2', version))?.value);
    expect(await send('a', '1')).toMatchObject({ schema: { name: 'srv.public.t.a.Value', version: 1 } });
    expect(await send('b', '2')).toMatchObject({ schema: { name: 'srv.public.t.b.Value', version: 2 } });
    expect(await send('b', '1')).toMatchObject({ schema: { name: 'srv.public.t.a.Value', version: 1 } });
    const none = await send('c', null);
    expect(none).toMatchObject({ schema: { name: 'srv.public.t.c.Value' } });
    expect(none).not.toHaveProperty('schema.version');
  });
});

describe('the timestamp', () => {
  const timed = (type: string, typmod = -1, modes = {}): ChainRunner =>
    router({ 'table.field.event.timestamp': 'ts' }, { columns: [...COLUMNS, { name: 'ts', type, typmod }], modes });
  const at = async (runner: ChainRunner, ts: string | null): Promise<number | undefined> =>
    (await runner.create(ID, 'order', '7', null, '1', ts))?.timestampMs;

  it('is the column in milliseconds, whatever its precision', async () => {
    expect(await at(timed('timestamp', 3), '2020-01-01 00:00:00.5')).toBe(1_577_836_800_500);
    expect(await at(timed('timestamp'), '2020-01-01 00:00:00.123456')).toBe(1_577_836_800_123);
    expect(await at(timed('timestamp'), null)).toBe(NOW_MS);
  });

  it('cannot be before 1970, a zoned time, a time of Connect, or a plain number', async () => {
    await expect(at(timed('timestamp'), '1969-12-31 00:00:00')).rejects.toThrow('Invalid record timestamp');
    await expect(at(timed('timestamptz'), '2020-01-01 00:00:00+00')).rejects.toThrow("Field 'ts' is not of type INT64");
    await expect(at(timed('int8'), '1')).rejects.toThrow('Unsupported field type INT64 (without logical schema name) for event timestamp');
    await expect(at(timed('timestamp', -1, { time: 'connect' }), '2020-01-01 00:00:00')).rejects.toThrow(
      'Unsupported field type org.apache',
    );
  });
});

describe('an empty payload', () => {
  const empties = (type: string, option = 'true'): ChainRunner => {
    const columns = COLUMNS.map((column) => (column.name === 'payload' ? { ...column, type } : column));
    return router({ 'route.tombstone.on.empty.payload': option, 'table.fields.additional.placement': 'type:header' }, { columns });
  };

  it('is a tombstone with key, headers and topic', async () => {
    const sent = await empties('text').create(ID, 'order', '7', 'gone', null);
    expect(sent).toMatchObject({ topic: 'outbox.event.order', key: Buffer.from('"7"'), value: null, headers: [`id=${ID}`, 'type=gone'] });
  });

  it('is also a blank text, but no bytes', async () => {
    expect((await empties('text').create(ID, 'order', '7', null, ' \t'))?.value).toBeNull();
    expect((await empties('text').create(ID, 'order', '7', null, '\u00a0'))?.value).not.toBeNull();
    expect(textOfHalf((await empties('bytea').create(ID, 'order', '7', null, '\\x'))?.value)).toBe('""');
    expect((await empties('bytea').create(ID, 'order', '7', null, null))?.value).toBeNull();
  });

  it('is a null value where no tombstones are wanted', async () => {
    expect(textOfHalf((await empties('text', 'false').create(ID, 'order', '7', null, null))?.value)).toBe('null');
  });
});
