import { describe, expect, test } from 'vitest';
import type { TransformOptions } from '../../core/options.ts';
import { formatNotes, formatProblems } from '../problems.ts';
import { kindProblem } from '../table/option-spec.ts';
import { stageValueProblem } from '../table/transforms/stage-spec.ts';
import { BUILT_CLASSES, PREDICATE_CLASSES, TRANSFORM_CLASSES } from '../table/transforms.ts';
import { resolveConfig } from './resolve.ts';

const K = 'org.apache.kafka.connect.transforms.';
const D = 'io.debezium.transforms.';

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
  'key.converter': 'json',
  'value.converter': 'json',
};

type Texts = Readonly<Record<string, string | boolean | number>>;

function resolve(more: Texts): { chain: readonly TransformOptions[]; problems: string[]; notes: string[] } {
  const environment = { variables: { TOPIC: 'from.env' }, readFile: () => '' };
  const result = resolveConfig({ ...REQUIRED, ...more }, environment);
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('Options that are not'));
  return {
    chain: result.tag === 'resolved' ? result.options.transforms : [],
    problems: result.tag === 'refused' ? lines(formatProblems(result.problems)) : [],
    notes: lines(formatNotes(result.notes)),
  };
}

/** A chain of one stage with the alias a. */
function one(type: string, options: Texts = {}, more: Texts = {}): ReturnType<typeof resolve> {
  const members = Object.entries(options).map(([name, value]) => [`transforms.a.${name}`, value]);
  return resolve({ transforms: 'a', 'transforms.a.type': type, ...Object.fromEntries(members), ...more });
}

const optionsOf = ({ chain }: ReturnType<typeof resolve>): unknown => Object.fromEntries(chain[0]?.options ?? []);

describe('a chain', () => {
  test('has its stages in order, each with class, options as given, predicate and negate', () => {
    const { chain, problems, notes } = resolve({
      transforms: ' unwrap , route ',
      'transforms.route.type': `${K}RegexRouter`,
      'transforms.route.regex': 'srv\\.(.*)',
      'transforms.route.replacement': '$1',
      'transforms.unwrap.type': `${D}ExtractNewRecordState`,
      'transforms.unwrap.add.fields.prefix': '',
      'transforms.unwrap.drop.fields.from.key': 'TRUE',
      'transforms.unwrap.delete.tombstone.handling.mode': ' Rewrite ',
      'transforms.unwrap.predicate': 'rows',
      'transforms.unwrap.negate': true,
      predicates: 'rows',
      'predicates.rows.type': `${K}predicates.TopicNameMatches`,
      'predicates.rows.pattern': 'srv\\.public\\..*',
    });
    expect({ problems, notes }).toEqual({ problems: [], notes: [] });
    expect(chain).toEqual([
      {
        alias: 'unwrap',
        type: `${D}ExtractNewRecordState`,
        options: new Map([
          ['add.fields.prefix', ''],
          ['drop.fields.from.key', 'true'],
          ['delete.tombstone.handling.mode', 'rewrite'],
        ]),
        predicate: { alias: 'rows', type: `${K}predicates.TopicNameMatches`, options: new Map([['pattern', 'srv\\.public\\..*']]) },
        negate: true,
      },
      {
        alias: 'route',
        type: `${K}RegexRouter`,
        options: new Map([
          ['regex', 'srv\\.(.*)'],
          ['replacement', '$1'],
        ]),
        predicate: undefined,
        negate: false,
      },
    ]);
  });

  test('is empty where none is asked for', () => {
    expect(resolve({}).chain).toEqual([]);
    expect(resolve({ transforms: '' })).toEqual({ chain: [], problems: [], notes: [] });
  });

  test('takes placeholders, and classes without their package', () => {
    const result = one('InsertHeader', { header: 'h', 'value.literal': `$\{env:TOPIC}` });
    expect(result.chain[0]?.type).toBe(`${K}InsertHeader`);
    expect(optionsOf(result)).toEqual({ header: 'h', 'value.literal': 'from.env' });
    expect(one('ReplaceField$Value', { exclude: 'a' }).chain[0]?.type).toBe(`${K}ReplaceField$Value`);
  });

  test.each([
    ['a name twice', { transforms: 'a,a', 'transforms.a.type': `${K}Filter` }, 'transforms=a,a: holds a name twice'],
    ['an empty name', { transforms: 'a,', 'transforms.a.type': `${K}Filter` }, 'transforms=a,: has an empty name'],
    ['no class', { transforms: 'a' }, 'transforms.a.type: is required: transforms names a'],
    [
      'a predicate that there is none of',
      { transforms: 'a', 'transforms.a.type': `${K}Filter`, 'transforms.a.predicate': 'ross', predicates: 'rows' },
      'transforms.a.predicate=ross: names none of predicates (did you mean rows?)',
    ],
    [
      'negate without a predicate',
      { transforms: 'a', 'transforms.a.type': `${K}Filter`, 'transforms.a.negate': 'true' },
      'transforms.a.negate=true: needs a predicate to negate',
    ],
    [
      'a predicate in the place of a transform',
      { transforms: 'a', 'transforms.a.type': `${K}predicates.RecordIsTombstone` },
      `transforms.a.type=${K}predicates.RecordIsTombstone: is a predicate, not a transform`,
    ],
  ] as const)('%s is refused', (_, more, line) => {
    expect(resolve(more).problems).toEqual([line]);
  });

  test('options of a name that the list does not have, and unused predicates, do nothing', () => {
    const { problems, notes } = resolve({
      'transforms.x.type': 'y',
      'transforms.x.z': '1',
      predicates: 'p',
      'predicates.p.type': 'com.acme.P',
    });
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      'predicates.p.type: has no effect: no transform names this predicate',
      'transforms.x.type: has no effect: transforms does not name x',
    ]);
  });
});

describe('classes that do not run', () => {
  test.each([
    ['com.acme.Redact', 'Java classes cannot be loaded'],
    ['io.confluent.connect.transforms.ExtractTopic$Value', "is Confluent's: Java classes cannot be loaded"],
    ['io.aiven.kafka.connect.transforms.Hash', "is Aiven's: Java classes cannot be loaded"],
    [`${D}UnwrapFromEnvelope`, `is the old name of ${D}ExtractNewRecordState`],
    [`${K}ReplaceField`, `must be ${K}ReplaceField$Key or ${K}ReplaceField$Value`],
    [`${K}RegexRouters`, `is no class: did you mean ${K}RegexRouter?`],
  ])('%s is refused in one line', (type, reason) => {
    expect(one(type, { anything: '1' }).problems).toEqual([`transforms.a.type=${type}: ${reason}`]);
  });

  test.each(['transforms', 'transforms.a', 'transforms.a.type'])('are left out where slotline.unsupported.allow names %s', (name) => {
    const more = { transforms: 'b,a', 'transforms.b.type': `${K}Filter`, 'slotline.unsupported.allow': name };
    const { chain, problems, notes } = one('com.acme.Redact', { anything: '1' }, more);
    expect(problems).toEqual([]);
    expect(chain.map(({ alias }) => alias)).toEqual(['b']);
    expect(notes).toEqual(['transforms.a.type: is ignored because slotline.unsupported.allow names it']);
  });

  test('leave out the stages that they would have judged', () => {
    const more = { predicates: 'p', 'predicates.p.type': 'com.acme.P', 'slotline.unsupported.allow': 'predicates' };
    expect(one(`${K}Filter`, { predicate: 'p' }, { ...more, 'slotline.unsupported.allow': '' }).problems).toHaveLength(1);
    const { chain, notes } = one(`${K}Filter`, { predicate: 'p' }, more);
    expect(chain).toEqual([]);
    expect(notes).toContain('transforms.a.predicate: cannot be judged, so this transform is left out');
  });

  test('one that changes nothing is taken with a note', () => {
    const { chain, notes } = one(`${D}SchemaChangeEventFilter`, { 'schema.change.event.exclude.list': 'CREATE, DROP' });
    expect(chain).toHaveLength(1);
    expect(notes).toEqual(['transforms.a.type: changes nothing: the PostgreSQL connector sends no schema changes']);
  });
});

describe('options of a class', () => {
  test.each([
    ['RegexRouter', { regex: 'a' }, 'replacement: is required: The new topic, with `$1` or `${name}` for groups.'],
    ['RegexRouter', { regex: '(a', replacement: 'b' }, 'regex=(a: is not a regular expression'],
    [
      'RegexRouter',
      { regex: '(?i)a', replacement: 'b' },
      'regex=(?i)a: has an inline flag such as (?i): write (?i:…) around what it is for',
    ],
    ['RegexRouter', { regex: '(a)', replacement: '$2' }, 'replacement=$2: names the group 2, and the pattern has 1'],
    ['RegexRouter', { regex: '(a)', replacement: '${b}' }, 'replacement=${b}: names the group b, which the pattern does not have'],
    [
      'RegexRouter',
      { regex: '(a)', replacement: 'a$' },
      'replacement=a$: has a $ that begins neither $1 nor ${name}: write \\$ for a plain one',
    ],
    ['ReplaceField$Value', { exclude: 'a,b,a' }, 'exclude=a,b,a: holds an item twice'],
    ['ReplaceField$Value', { include: 'a,,b' }, 'include=a,,b: has an empty item'],
    ['ReplaceField$Key', { renames: 'a:b,c' }, 'renames=a:b,c: must be pairs old:new, separated by commas'],
    ['InsertField$Value', {}, 'topic.field: is required, or another one of topic.field, partition.field, timestamp.field, static.field'],
    ['InsertField$Value', { 'static.field': 'a' }, 'static.value: is required with static.field'],
    ['InsertField$Value', { 'offset.field': 'a' }, 'offset.field=a: is for sinks: a record that is about to be written has no offset'],
    ['MaskField$Value', { fields: '' }, 'fields=: must not be empty'],
    ['MaskField$Value', { fields: 'a', replacement: '' }, 'replacement=: must not be empty'],
    [
      'Cast$Value',
      { spec: 'a:int8,b:text' },
      'spec=a:int8,b:text: casts to int8, int16, int32, int64, float32, float64, boolean, string only',
    ],
    ['Cast$Value', { spec: 'a:int8,string' }, 'spec=a:int8,string: must be one type alone for the whole, or field:type for each field'],
    ['Cast$Value', { spec: 'a:b:c' }, 'spec=a:b:c: must be field:type, separated by commas'],
    [
      'TimestampConverter$Value',
      { 'target.type': 'timestamp' },
      'target.type=timestamp: must be one of string, unix, Date, Time, Timestamp, in these letters',
    ],
    ['TimestampConverter$Value', { 'target.type': 'string' }, 'format: is required with target.type=string'],
    ['ExtractField$Key', { field: 'id', 'replace.null.with.default': 'ja' }, 'replace.null.with.default=ja: must be true or false'],
    ['SetSchemaMetadata$Value', {}, 'schema.name: is required, or schema.version'],
    ['SetSchemaMetadata$Value', { 'schema.version': 'x' }, 'schema.version=x: must be a whole number'],
    ['HeaderFrom$Value', { fields: 'a,b', headers: 'c', operation: 'copy' }, 'headers=c: must have as many items as fields'],
    ['HeaderFrom$Value', { fields: 'a', headers: 'c', operation: 'MOVE' }, 'operation=MOVE: must be one of move, copy, in these letters'],
    ['ValueToKey', { fields: 'id,id' }, 'fields=id,id: holds an item twice'],
    ['DropHeaders', { headers: 'a,a' }, 'headers=a,a: holds an item twice'],
  ] as const)('%s with %j is refused', (name, options, line) => {
    expect(one(K + name, options).problems).toEqual([`transforms.a.${line}`]);
  });

  test.each([
    [
      'ExtractNewRecordState',
      { 'delete.tombstone.handling.mode': 'none' },
      'delete.tombstone.handling.mode=none: must be one of drop, tombstone, rewrite, rewrite-with-tombstone, delete-to-tombstone, tombstone-with-tombstone',
    ],
    ['ExtractNewRecordState', { 'add.fields': 'op:A:B' }, 'add.fields=op:A:B: must be field or field:alias, separated by commas'],
    [
      'ExtractNewRecordState',
      { 'add.headers': 'op,source' },
      'add.headers=op,source: names the whole struct source, which cannot be added: name its fields, as in source.ts_ms',
    ],
    [
      'outbox.EventRouter',
      { 'table.op.invalid.behavior': 'ignore' },
      'table.op.invalid.behavior=ignore: must be one of warn, error, fatal',
    ],
    [
      'outbox.EventRouter',
      { 'table.fields.additional.placement': 'type' },
      'table.fields.additional.placement=type: must be column:place or column:place:alias, separated by commas',
    ],
    [
      'outbox.EventRouter',
      { 'table.fields.additional.placement': 'type:head' },
      'table.fields.additional.placement=type:head: must have as place one of header, envelope, partition',
    ],
    [
      'outbox.EventRouter',
      { 'route.topic.regex': '(.*)' },
      'route.topic.replacement: names the group routedByValue, which the pattern does not have',
    ],
    ['ByLogicalTableRouter', { 'topic.regex': 'a' }, 'topic.replacement: is required: The new topic, with `$1` or `${name}` for groups.'],
    [
      'ByLogicalTableRouter',
      { 'topic.regex': '(a)', 'topic.replacement': '$1', 'key.field.regex': 'b' },
      'key.field.replacement: is required with key.field.regex',
    ],
    [
      'partitions.PartitionRouting',
      { 'partition.payload.fields': 'change.id', 'partition.topic.num': 0 },
      'partition.topic.num=0: must be at least 1',
    ],
    ['Filter', { language: 'jsr223.groovy' }, "condition: is required: The condition: `value.op == 'u' && value.after.id > 2`."],
    [
      'SchemaChangeEventFilter',
      { 'schema.change.event.exclude.list': 'create' },
      'schema.change.event.exclude.list=create: must be a list of CREATE, ALTER, DROP, TRUNCATE, DATABASE',
    ],
  ] as const)('%s with %j is refused', (name, options, line) => {
    expect(one(D + name, options).problems).toEqual([`transforms.a.${line}`]);
  });

  test.each([
    ['outbox.EventRouter', {}],
    [
      'outbox.EventRouter',
      { 'route.topic.replacement': '${routedByValue}', 'table.fields.additional.placement': 'a:Header, b:envelope:c' },
    ],
    ['outbox.EventRouter', { 'route.topic.regex': '(.*)', 'route.topic.replacement': 'outbox.$1', 'table.expand.json.payload': true }],
    ['ExtractNewRecordState', { 'add.fields': 'op, source.ts_ms:at ,transaction.id', 'add.headers': '' }],
    [
      'partitions.PartitionRouting',
      { 'partition.payload.fields': 'change.id', 'partition.topic.num': 6, 'partition.hash.function': 'MURMUR' },
    ],
    ['ExtractChangedRecordState', { 'header.changed.name': 'changed' }],
    ['Filter', { language: 'jsr223.groovy', condition: "value.op == 'c'", 'null.handling.mode': 'drop' }],
  ] as const)('%s with %j is taken without a word', (name, options) => {
    const result = one(D + name, options);
    expect(result).toMatchObject({ problems: [], notes: [] });
    expect(result.chain).toHaveLength(1);
  });

  test('that it does not have are told, and ignored by the class', () => {
    const options = { 'debezium.expand.json.payload': 'true', 'route.by.fields': 'x', zzz: '1', 'plugin.version': '2' };
    const { problems, notes, chain } = one(`${D}outbox.EventRouter`, options);
    expect(problems).toEqual([]);
    expect(chain).toHaveLength(1);
    expect(notes).toEqual([
      'transforms.a.debezium.expand.json.payload: has no effect: EventRouter has no such option (write table.expand.json.payload)',
      'transforms.a.route.by.fields: has no effect: EventRouter has no such option (did you mean route.by.field?)',
      'transforms.a.zzz: has no effect: EventRouter has no such option',
      'transforms.a.plugin.version: has no effect: there are no plug-ins',
    ]);
  });

  test('of predicates are checked the same', () => {
    const predicate = (type: string, options: Texts): string[] =>
      one(`${K}Filter`, { predicate: 'p' }, { predicates: 'p', 'predicates.p.type': type, ...options }).problems;
    expect(predicate(`${K}predicates.TopicNameMatches`, {})).toEqual(['predicates.p.pattern: is required: Pattern of the whole topic.']);
    expect(predicate(`${K}predicates.TopicNameMatches`, { 'predicates.p.pattern': '[' })).toHaveLength(1);
    expect(predicate(`${K}predicates.HasHeaderKey`, { 'predicates.p.name': 'x' })).toEqual([]);
    expect(predicate(`${K}RegexRouter`, {})).toEqual([`predicates.p.type=${K}RegexRouter: is a transform, not a predicate`]);
  });
});

describe('old options', () => {
  const unwrap = (options: Texts, more: Texts = {}): ReturnType<typeof resolve> => one(`${D}ExtractNewRecordState`, options, more);
  const modeOf = (result: ReturnType<typeof resolve>): unknown => result.chain[0]?.options.get('delete.tombstone.handling.mode');

  test.each([
    ['drop', undefined, 'drop'],
    ['drop', 'true', 'drop'],
    ['drop', 'false', 'delete-to-tombstone'],
    ['none', 'true', 'tombstone'],
    ['none', 'false', 'tombstone-with-tombstone'],
    ['rewrite', 'true', 'rewrite'],
    ['Rewrite', 'FALSE', 'rewrite-with-tombstone'],
    [undefined, 'true', 'drop'],
    [undefined, 'false', 'delete-to-tombstone'],
  ] as const)('delete.handling.mode=%s and drop.tombstones=%s mean %s', (mode, drop, meaning) => {
    const result = unwrap({
      ...(drop === undefined ? {} : { 'drop.tombstones': drop }),
      ...(mode === undefined ? {} : { 'delete.handling.mode': mode }),
    });
    expect(modeOf(result)).toBe(meaning);
    // A newer Debezium does the same for `tombstone`.
    expect(result.notes).toHaveLength(meaning === 'tombstone' ? 0 : 1);
  });

  test('are told once, with the new value and what Debezium does', () => {
    expect(unwrap({ 'drop.tombstones': false, 'delete.handling.mode': 'rewrite' }).notes).toEqual([
      'transforms.a.drop.tombstones: drop.tombstones=false, delete.handling.mode=rewrite is honoured as delete.tombstone.handling.mode=rewrite-with-tombstone. ' +
        'Debezium 3.2 and later ignore it, with the mode tombstone; slotline.unwrap.legacy=ignore does so too',
    ]);
  });

  test('give way to the new option, and to slotline.unwrap.legacy=ignore', () => {
    const both = unwrap({ 'drop.tombstones': 'false', 'delete.tombstone.handling.mode': 'drop' });
    expect(modeOf(both)).toBe('drop');
    expect(both.notes).toEqual(['transforms.a.drop.tombstones: has no effect: ExtractNewRecordState has no such option']);
    const ignored = unwrap({ 'delete.handling.mode': 'rewrite' }, { 'slotline.unwrap.legacy': 'ignore' });
    expect(modeOf(ignored)).toBeUndefined();
    expect(ignored.notes).toHaveLength(1);
  });

  test('with a value that they never had are refused', () => {
    expect(unwrap({ 'delete.handling.mode': 'x' }).problems).toEqual([
      'transforms.a.delete.handling.mode=x: must be one of drop, rewrite, none',
    ]);
    expect(unwrap({ 'drop.tombstones': 'x' }).problems).toEqual(['transforms.a.drop.tombstones=x: must be true or false']);
  });

  test('blacklist and whitelist of ReplaceField leave out what they name', () => {
    const result = one(`${K}ReplaceField$Value`, { blacklist: 'secret', whitelist: 'a,secret' });
    expect(optionsOf(result)).toMatchObject({ exclude: 'secret', include: 'a,secret' });
    expect(result.notes).toEqual([
      'transforms.a.blacklist: blacklist is honoured as exclude, whitelist is honoured as include. Kafka 4 and later ignore the old name; slotline.unwrap.legacy=ignore does so too',
    ]);
    const ignored = one(`${K}ReplaceField$Value`, { blacklist: 'secret' }, { 'slotline.unwrap.legacy': 'ignore' });
    expect(optionsOf(ignored)).toEqual({ blacklist: 'secret' });
  });
});

describe('the table of classes', () => {
  const all = [...TRANSFORM_CLASSES, ...PREDICATE_CLASSES];

  test('has rows for every class that runs, and no class twice', () => {
    const types = all.flatMap((spec) => spec.types);
    expect(new Set(types).size).toBe(types.length);
    expect([...BUILT_CLASSES].filter((type) => !types.includes(type))).toEqual([]);
  });

  test('says of every option what it does, and its defaults are right', () => {
    for (const spec of all) {
      expect(spec.doc, spec.types[0]).toMatch(/^\S.*[.!?]$/s);
      for (const option of spec.options) {
        expect(option.doc, option.name).toMatch(/^\S.*[.!?]$/s);
        if (option.default === undefined) continue;
        expect(stageValueProblem(option, option.default), option.name).toBeUndefined();
        expect(kindProblem(option.kind, option.default), option.name).toBeUndefined();
      }
    }
  });
});
