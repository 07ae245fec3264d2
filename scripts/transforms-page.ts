/**
 * Owns docs/transforms.md, which says from the table of classes which transforms and predicates run, with their options; and what of them
 * docs/compatibility.md says.
 */

import type { StageClass, StageOption } from '../src/config/table/transforms/stage-spec.ts';
import { BUILT_CLASSES, NOT_YET, OTHER_CLASSES, PREDICATE_CLASSES, TRANSFORM_CLASSES } from '../src/config/table/transforms.ts';
import { code, kindName, sentence, table } from './markdown.ts';

export function transformsPage(): string {
  const runs = (spec: StageClass): boolean => spec.types.some((type) => BUILT_CLASSES.has(type));
  return [
    INTRODUCTION,
    '## Transforms\n',
    ...TRANSFORM_CLASSES.filter(runs).map(classSection),
    '## Predicates\n',
    ...PREDICATE_CLASSES.filter(runs).map(classSection),
    refusedSection(),
  ].join('\n');
}

const INTRODUCTION = `# Transforms

This page is generated from the table of classes (\`npm run docs\`).

\`transforms\` names stages in the order of application; \`transforms.<name>.type\` is the class, by its full name or, where only one class has it,
without the package. Each stage acts on every record that the connector sends: rows of snapshot and stream, tombstones, truncates, logical
messages, transaction boundaries, heartbeats. With \`transforms.<name>.predicate\` it acts only where the predicate of that name holds for the record as
the stages before have left it; with \`negate=true\` only where it does not.

Options are those of Kafka 4.3 and Debezium 3.6. An option that the class does not have is ignored, as in Connect, with a note. Patterns match the
whole text, letter by letter. A list has commas between its items, and blanks around them do not count.

\`\`\`json
{
  "transforms": "unwrap,route",
  "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
  "transforms.unwrap.delete.tombstone.handling.mode": "rewrite",
  "transforms.unwrap.add.fields": "op,source.ts_ms",
  "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
  "transforms.route.regex": "shop\\\\.public\\\\.(.*)",
  "transforms.route.replacement": "$1"
}
\`\`\`

Old options whose meaning newer releases ignore without a word are honoured, each with a note:

| old | is honoured as |
|---|---|
| \`drop.tombstones\` and \`delete.handling.mode\` of ExtractNewRecordState, gone since Debezium 3.2 | \`delete.tombstone.handling.mode\`, where that is not given |
| \`blacklist\` and \`whitelist\` of ReplaceField, gone since Kafka 4 | \`exclude\` and \`include\`, where those are not given |

\`slotline.unwrap.legacy=ignore\` ignores them.
`;

function classSection(spec: StageClass): string {
  const name = spec.types[0]?.replace(/^.*\.|\$.*$/g, '') ?? '';
  const types = spec.types.filter((type) => BUILT_CLASSES.has(type)).map(code);
  const rows = spec.options.map((each) => [code(each.name), typeOf(each), defaultOf(each), meaningOf(each)]);
  const options = rows.length === 0 ? 'It has no options.\n' : table(['option', 'type', 'default', 'meaning'], rows);
  return `### ${name}\n\n${types.join(', ')}: ${sentence(spec.doc)}\n\n${options}`;
}

function typeOf(option: StageOption): string {
  return kindName(option.kind) + (option.exact ? ', in these letters' : '');
}

function defaultOf(option: StageOption): string {
  if (option.required) return 'required';
  return option.default === undefined ? '' : code(option.default === '' ? '""' : option.default);
}

function meaningOf(option: StageOption): string {
  return option.unused === undefined ? option.doc : `${option.doc} No effect: ${option.unused}`;
}

function refusedSection(): string {
  const known = [...TRANSFORM_CLASSES, ...PREDICATE_CLASSES].flatMap(({ types }) => types.filter((type) => !BUILT_CLASSES.has(type)));
  const rows = [
    ...known.map((type) => [code(type), sentence(NOT_YET)]),
    ...OTHER_CLASSES.map(({ prefix, reason }) => [code(prefix.endsWith('.') ? `${prefix}*` : prefix), sentence(reason)]),
    ['any other class', 'Java classes cannot be loaded.'],
  ];
  return `## Refused

A config that names one of these is refused, because its events would have another shape, or not be filtered. \`slotline.unsupported.allow\` with
\`transforms.<name>\` leaves the stage out.

${table(['class', 'why'], rows)}`;
}

/** What docs/compatibility.md says of transforms. */
export const TRANSFORM_NOTES = [
  {
    debezium:
      '`drop.tombstones` and `delete.handling.mode` of ExtractNewRecordState are ignored without a word since 3.2; the mode `tombstone` applies.',
    here: 'Where `delete.tombstone.handling.mode` is not given they have their old meaning, with a note that names the new value. `slotline.unwrap.legacy=ignore` ignores them.',
    why: 'Most configs still carry them, and mean them.',
  },
  {
    debezium: '`blacklist` and `whitelist` of ReplaceField are ignored without a word since Kafka 4: nothing is left out.',
    here: 'They are read as `exclude` and `include`, with a note. `slotline.unwrap.legacy=ignore` ignores them.',
    why: 'A column that somebody has hidden must not come to light.',
  },
  {
    debezium:
      'A replacement that names a group which its pattern lacks, an unknown place in `table.fields.additional.placement`, a whole struct in `add.fields`: the task fails at the first record.',
    here: 'The config is refused.',
    why: 'It could never work.',
  },
  {
    debezium:
      'HeaderToValue remembers the schema of the first record and the list of headers without the moved ones: later records with other headers fail, and headers that are added behind it pile up.',
    here: 'Each record has its own.',
    why: 'No reader can mean that.',
  },
  {
    debezium:
      'Objects in an array of an expanded payload that have different members are merged in the order of a hash, which differs from process to process.',
    here: 'In the order of the elements.',
    why: 'The same message gives the same record.',
  },
  {
    debezium: 'PartitionRouting hashes structs and bit strings by what differs from process to process.',
    here: 'Such a field is refused.',
    why: 'The records of a row would not stay in one partition.',
  },
  {
    debezium: 'EventRouter logs an update of the outbox table that it drops (`table.op.invalid.behavior=warn` or `error`).',
    here: 'It is dropped, and counted with the other dropped records.',
    why: 'Transforms do not log; a count can be watched.',
  },
  {
    debezium: 'Filter and ContentBasedRouter run any script of an engine that is installed.',
    here: 'An expression of what Groovy and JavaScript have in common is parsed and compiled at the start, with the meaning that it has in its language; anything else is refused by its column. A decimal is no number in JavaScript, as there; it can be compared with null only.',
    why: 'There is no Java.',
  },
  {
    debezium: 'Patterns of SimpleDateFormat print and read names and weeks as the locale has them.',
    here: 'Names are English, and are printed, not read; weeks (`w`, `W`, `Y`), `u` and `F` are refused. A year of two digits is printed, not read.',
    why: 'Events must not depend on the machine. What two digits mean depends on the day of the start.',
  },
  {
    debezium: 'HoistField makes of a tombstone, and of the key of a table without one, a map without a schema.',
    here: 'So it is in JSON. In other formats the connector stops.',
    why: 'The registry needs a schema.',
  },
  {
    debezium: 'InsertHeader: lists and maps keep the types of their members until the header is written.',
    here: 'They are the text that is written. Lists of lists, and times beside other values, are refused.',
    why: 'Nothing but HeaderToValue would see the difference.',
  },
  {
    debezium: 'An error of Cast, TimestampConverter or a script shows the value.',
    here: 'It names table, transform and position.',
    why: 'A log must not hold rows.',
  },
];
