import { describe, expect, it } from 'vitest';
import { numericTypmod } from '../../../test/oracles/columns.ts';
import { ChainRunner, type RunnerOptions, type TestColumn } from '../../../test/transforms/chain-runner.ts';

const D = 'io.debezium.transforms.';
const COLUMNS: readonly TestColumn[] = [
  { name: 'id', type: 'int4', notNull: true },
  { name: 'name', type: 'text' },
  { name: 'big', type: 'int8' },
  { name: 'price', type: 'numeric', typmod: numericTypmod(10, 2) },
  { name: 'rate', type: 'float8' },
  { name: 'ok', type: 'bool' },
  { name: 'day', type: 'date', defaultExpression: "'1970-01-02'::date" },
  { name: 'a-b', type: 'text' },
];
const ROW = ['2', 'Ann', '5', '1.50', '0.5', 't', null, 'x'] as const;
const NULLS = ['2', null, null, null, null, null, null, null] as const;
const GROOVY = { language: 'jsr223.groovy' };
const JS = { language: 'jsr223.graal.js' };

type Options = Record<string, string>;

function filtering(options: Options, before: RunnerOptions['stages'] = []): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages: [...before, { type: `${D}Filter`, ...options }] });
}

async function passes(condition: string, row: readonly (string | null)[], language: Options): Promise<boolean> {
  return (await filtering({ ...language, condition }).create(...row)) !== undefined;
}

const ALIKE: readonly (readonly [condition: string, expected: boolean])[] = [
  ["value.op == 'c'", true],
  ["value.op == 'c' && value.after.id == 2", true],
  ["value.op != 'c' || !(value.after.id > 1)", false],
  ["value.op == 'd' ? false : value.after.id >= 2", true],
  ['value.after.id < 2', false],
  ['value.after.big == 5', true],
  ['value.after.id == -2', false],
  ['value.after.rate <= 0.5', true],
  ['value.after.ok == true', true],
  ['value.before == null', true],
  ['value.before?.id == null', true],
  ["value.get('after').get('id') == 2", true],
  ["value['after']['a-b'] == 'x'", true],
  ["value.after.name.startsWith('A') && value.after.name.endsWith('nn')", true],
  ["value.after.name.toLowerCase() == 'ann'", true],
  ["value.after.name + '-' + value.after.id == 'Ann-2'", true],
  ["topic == 'srv.public.t'", true],
  ["topic.startsWith('srv.public')", true],
  ['key.id == 2', true],
  ["valueSchema.name == 'srv.public.t.Envelope'", true],
  ["keySchema.name() == 'srv.public.t.Key';", true],
  ["value.source.table == 't'", true],
  // A null is read as the default.
  ['value.after.day == 1', true],
  ["value.after.name == 'A\\u006en'", true],
];

describe('a condition in both languages', () => {
  it.each(ALIKE)('%s is %s', async (condition, expected) => {
    expect(await passes(condition, ROW, GROOVY)).toBe(expected);
    expect(await passes(condition, ROW, JS)).toBe(expected);
  });
});

describe('a condition in Groovy', () => {
  it.each<readonly [string, boolean]>([
    ['value.after.price == 1.5', true],
    ['value.after.price > 1', true],
    ['value.after.id == 2L', true],
    ["value.after.id == '2'", false],
    ["value.op in ['c', 'r']", true],
    ['value.after.id in [1, 2]', true],
    // A list looks for equal objects: a long is no integer.
    ['value.after.big in [5]', false],
    ['value.after.big in [5L]', true],
    ['value.after.big.equals(5)', false],
    ["['a', value.op].contains('c')", true],
    ['value.after.name ==~ /A\\w+/', true],
    ["value.after.name ==~ 'A'", false],
    ["value.after.name =~ 'n' ? true : false", true],
    ["value.after.name.matches('A..')", true],
    ["value.after.name.equalsIgnoreCase('ANN')", true],
    ['value.after.name.contains("nn") && !value.after.name.trim().isEmpty()', true],
    ['value.after.name.length() == 3', true],
    ['(value.before?.id ?: 7) == 7', true],
    ['!value.before', true],
  ])('%s is %s', async (condition, expected) => {
    expect(await passes(condition, ROW, GROOVY)).toBe(expected);
  });

  it.each<readonly [string, boolean]>([
    ['value.after.name == null', true],
    ["value.after.name == 'Ann'", false],
    ['value.after.big < 5', true],
    ['value.after.big > 5', false],
    ["value.after.name?.startsWith('A') == null", true],
    ['value.after.name ==~ /.*/', false],
    ["value.after.name + 'x' == 'nullx'", true],
  ])('takes nulls: %s is %s', async (condition, expected) => {
    expect(await passes(condition, NULLS, GROOVY)).toBe(expected);
  });

  it.each([
    ['value.before.id == 1', "Cannot get property 'id' on null object"],
    ['value.after.nowhere == 1', 'nowhere is not a valid field name'],
    ['value.op', 'the value returned by the expression is not a Boolean'],
    ["value.after.id < 'xy'", 'a number and a text do not compare'],
    ['value.after == value.after', 'structs, lists and dates are compared with null only'],
    ["value.after.id.startsWith('x')", 'startsWith is asked of something that is no text'],
    ['value.op =~ /c/', 'the value returned by the expression is not a Boolean'],
  ])('%s fails', async (condition, reason) => {
    await expect(passes(condition, ROW, GROOVY)).rejects.toThrow(`Error while evaluating expression '${condition}': ${reason}`);
  });
});

describe('a condition in JavaScript', () => {
  it.each<readonly [string, boolean]>([
    ["value.op === 'c' && value.after.id === 2", true],
    ["value.after.id == '2'", true],
    ["value.after.id !== '2'", true],
    ['value.after.nowhere == null', true],
    ["['c', 'r'].includes(value.op)", true],
    ["value.after.name.includes('nn')", true],
    ["(value.before?.id.x ?? 'none') == 'none'", true],
    ["(value.before || 'none') == 'none'", true],
  ])('%s is %s', async (condition, expected) => {
    expect(await passes(condition, ROW, JS)).toBe(expected);
  });

  it('has decimals as objects', async () => {
    await expect(passes('value.after.price > 1', ROW, JS)).rejects.toThrow('decimals are compared with null only');
  });
});

describe('an expression that is not understood', () => {
  it.each([
    ['value.op = "c"', 10, 'unexpected ='],
    ['value.op == ', 13, 'it ends here'],
    ['foo.op', 1, 'the name foo'],
    ['value.op.substring(1)', 10, 'the method substring'],
    ['value.op == "$x"', 14, 'a value within a text'],
    ['value.op == "x', 13, 'a text that does not end'],
    ['(value.op', 10, ') is missing before the end'],
    ['value.op == 1 2', 15, 'unexpected 2'],
    ['value.op ==~ value.x', 14, 'a text is missing before value'],
    ['value.op === 1', 12, 'unexpected ='],
    ['value.id - 1', 10, 'unexpected -'],
    ['header.x.schema', 10, 'schema of a header'],
    ['topic.length', 7, 'length of the topic'],
    ["value.op ==~ '('", 14, 'the pattern is no regular expression'],
    ["value.op.equals('c', 'd')", 10, 'equals takes 1 arguments'],
    ['10G', 1, 'the number 10G'],
  ])('%s is refused at column %d', (condition, column, what) => {
    expect(() => filtering({ ...GROOVY, condition })).toThrow(`the expression is not understood at column ${column}: ${what}`);
  });

  it('is refused where the other language has it', () => {
    expect(() => filtering({ ...JS, condition: "value.op in ['c']" })).toThrow('column 10: in asks for a property there');
    expect(() => filtering({ ...JS, condition: "value.op ==~ 'c'" })).toThrow('column 12');
    expect(() => filtering({ language: 'jsr223.kotlin', condition: 'true' })).toThrow('language must be one of');
  });
});

describe('Filter', () => {
  const condition = "value.op == 'c'";

  it('drops a record, and keeps the tombstone unless it is told otherwise', async () => {
    const sent = async (mode: Options) => {
      const both = await filtering({ ...GROOVY, condition, ...mode }).send({ kind: 'delete', before: ROW });
      return both.map((one) => one !== undefined);
    };
    expect(await sent({})).toEqual([false, true]);
    expect(await sent({ 'null.handling.mode': 'drop' })).toEqual([false, false]);
    await expect(sent({ 'null.handling.mode': 'evaluate' })).rejects.toThrow("Cannot get property 'op' on null object");
    expect(await sent({ 'null.handling.mode': 'evaluate', condition: 'value == null' })).toEqual([false, true]);
  });

  it('leaves records of other topics, which have other fields', async () => {
    const runner = filtering({ ...GROOVY, condition: "value.after.name == 'x'", 'topic.regex': 'srv\\.public\\..*' });
    expect(await runner.create(...ROW)).toBeUndefined();
    expect((await runner.message('p', 'c'))?.topic).toBe('srv.message');
  });

  it('reads headers: the last of a name', async () => {
    const header = (literal: string) => ({
      type: 'org.apache.kafka.connect.transforms.InsertHeader',
      header: 'h',
      'value.literal': literal,
    });
    const run = (script: string) => filtering({ ...GROOVY, condition: script }, [header('1'), header('2')]).create(...ROW);
    expect(await run('header.h.value == 2')).toBeDefined();
    expect(await run("header['h'].value == 1")).toBeUndefined();
    expect(await run('header.other == null')).toBeDefined();
    await expect(run('header.other.value == 1')).rejects.toThrow("Cannot get property 'value' on null object");
  });
});

describe('ContentBasedRouter', () => {
  const route = (expression: string, language: Options = GROOVY) =>
    new ChainRunner({ columns: COLUMNS, stages: [{ type: `${D}ContentBasedRouter`, ...language, 'topic.expression': expression }] });

  it('names the topic, or leaves it', async () => {
    const runner = route("value.after.id > 1 ? 'many.' + value.after.name : null");
    expect((await runner.create(...ROW))?.topic).toBe('many.Ann');
    expect((await runner.create('1', 'Ann', ...ROW.slice(2)))?.topic).toBe('srv.public.t');
    expect((await runner.create(...NULLS))?.topic).toBe('many.null');
  });

  it('leaves tombstones on their topic', async () => {
    const sent = await route("'all'").send({ kind: 'delete', before: ROW });
    expect(sent.map((one) => one?.topic)).toEqual(['all', 'srv.public.t']);
  });

  it('refuses a result that is no text', async () => {
    await expect(route('value.after.id').create(...ROW)).rejects.toThrow('the value returned by the expression is not a String');
  });
});
