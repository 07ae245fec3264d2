import { describe, expect, it } from 'vitest';
import { ChainRunner, jsonOf, type RunnerOptions, type TestColumn } from '../../../test/transforms/chain-runner.ts';

const K = 'org.apache.kafka.connect.transforms.';
const UNWRAP = { type: 'io.debezium.transforms.ExtractNewRecordState', 'delete.tombstone.handling.mode': 'drop' };
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'a', type: 'text' },
  { name: 'n', type: 'int4', defaultExpression: '7' },
];

type Options = Record<string, string>;

function chain(stages: RunnerOptions['stages']): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages });
}

function inserted(header: string, literal: string): { type: string } & Options {
  return { type: `${K}InsertHeader`, header, 'value.literal': literal };
}

describe('InsertHeader', () => {
  it.each([
    ['text', 'text'],
    ['08', '8'],
    ['+5', '5'],
    ['2.50', '2.5'],
    ['2e2', '200'],
    ['1e40', '1.0E40'],
    ['123456789012345678901', '123456789012345678901'],
    ['-0.0', '0'],
    ['true', 'true'],
    ['true}', 'true}'],
    ['"quoted"', '"quoted"'],
    ['[3, "x"]', '[3,"x"]'],
    ['[1, 2.5]', '[1.0,2.5]'],
    ['[1, null]', '[1, null]'],
    ['[1, 2', '[1, 2'],
    ['{"k": [1, 2]}', '{"k":[1,2]}'],
    ['{"k": null, "l": 1}', '{"k": null, "l": 1}'],
    ['2024-02-30', '2024-03-01'],
    ['10:30:00.000Z', '10:30:00.000Z'],
    ['2024-01-31T10:30:00.123Z', '2024-01-31T10:30:00.123Z'],
    ['1969-12-31', '00:00:00.000Z'],
    ['10:30', '10'],
    ['a:b', 'a:b'],
  ])('of %s adds %s', async (literal, text) => {
    const sent = await chain([inserted('h', literal)]).create('1', 'x', '2');
    expect(sent?.headers).toEqual([`h=${text}`]);
  });

  it('of null adds a header without a value, behind those that are there', async () => {
    const sent = await chain([inserted('h', '1'), inserted('h', 'null')]).create('1', 'x', '2');
    expect(sent?.headers).toEqual(['h=1', 'h']);
  });

  it('refuses lists whose members Kafka would make alike in ways of its own', () => {
    expect(() => chain([inserted('h', '[[1], [2.5]]')])).toThrow('are not supported');
  });

  it('acts on tombstones, and each record has a list of its own', async () => {
    const sent = await chain([inserted('h', '1')]).send({ kind: 'delete', before: ['1', null, null] });
    expect(sent.map((one) => one?.headers)).toEqual([['h=1'], ['h=1']]);
  });
});

describe('DropHeaders', () => {
  it('takes all headers of these names', async () => {
    const stages = [inserted('a', '1'), inserted('b', '2'), inserted('a', '3'), { type: `${K}DropHeaders`, headers: 'a,x' }];
    expect((await chain(stages).create('1', 'x', '2'))?.headers).toEqual(['b=2']);
  });

  it('takes the header of a key change too', async () => {
    const kept = await chain([]).send({ kind: 'oldkey', after: ['1', 'x', '2'] });
    expect(kept[0]?.headers).toEqual(['__debezium.oldkey']);
    const [sent] = await chain([{ type: `${K}DropHeaders`, headers: '__debezium.oldkey' }]).send({
      kind: 'oldkey',
      after: ['1', 'x', '2'],
    });
    expect(sent?.headers).toEqual([]);
  });
});

describe('HeaderFrom', () => {
  const move = { type: `${K}HeaderFrom$Value`, fields: 'n,a', headers: 'hn,ha', operation: 'move' };

  it('copies or moves fields in the order of the option', async () => {
    const moved = await chain([UNWRAP, move]).create('1', 'x', '2');
    expect(moved?.headers).toEqual(['hn=2', 'ha=x']);
    expect(jsonOf(moved?.value)).toEqual({ id: 1 });
    const copied = await chain([UNWRAP, { ...move, operation: 'copy' }]).create('1', null, null);
    expect(copied?.headers).toEqual(['hn=7', 'ha']);
    expect(jsonOf(copied?.value)).toEqual({ id: 1, a: null, n: 7 });
  });

  it('reads nulls raw where the option says so', async () => {
    const sent = await chain([UNWRAP, { ...move, 'replace.null.with.default': 'false' }]).create('1', null, null);
    expect(sent?.headers).toEqual(['hn', 'ha']);
  });

  it('fails at tombstones, keys that are null, and fields that are not there', async () => {
    const tombstone = chain([move]).send({ kind: 'delete', before: ['1', null, null] });
    await expect(tombstone).rejects.toThrow('there is no field n');
    const stages = [{ type: `${K}HeaderFrom$Value`, fields: 'op', headers: 'op', operation: 'copy' }];
    await expect(chain(stages).send({ kind: 'delete', before: ['1', null, null] })).rejects.toThrow(
      'Only Map objects supported in absence of schema for [header copy], found: null',
    );
    expect(() => chain([{ ...move, fields: 'a' }])).toThrow('same number of elements');
  });
});
