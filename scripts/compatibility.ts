/**
 * Owns docs/compatibility.md: what becomes of every Debezium property, with the recorded cases that show it, and each difference on purpose
 * with its reason. Written from the option table, the recordings and compatibility-notes.ts.
 */

import { RENAMED } from '../src/config/table/names/renamed.ts';
import type { OptionSpec } from '../src/config/table/option-spec.ts';
import { findFamily, findOption, OPTIONS } from '../src/config/table/options.ts';
import { VALUE_CORRECTIONS } from '../src/core/options.ts';
import type { CaseGroup } from '../test/golden/replay-cases.ts';
import { KNOWN_DIFFERENCES } from '../test/golden/replay-differences.ts';
import { LEFT_OUT } from '../test/golden/server-differences.ts';
import { CORRECTIONS, NOTES } from './compatibility-notes.ts';
import { DEBEZIUM_PROPERTIES } from './debezium-properties.ts';
import { caseLinks, code, refusedValues, sentence, table } from './markdown.ts';

/** More links would not help a reader. */
const CASES_SHOWN_MAX = 3;

export function compatibilityPage(groups: readonly CaseGroup[]): string {
  return [introduction(groups.length), differencesSection(), correctionsSection(), propertiesSection(groups)].join('\n');
}

function introduction(cases: number): string {
  return `# What differs from Debezium

This page is generated from the option table and the recorded cases (\`npm run docs\`).

The measure is Debezium 3.6.1 with Kafka Connect's JsonConverter: same topics, keys, values, schemas, headers, tombstones and order, byte
for byte. ${cases} recorded cases of a running Debezium are replayed by a test ([method](../test/golden/README.md)); the
[coverage table](coverage.md) says which case shows which type, mode and option. What follows is what a user of Debezium may notice.
`;
}

function differencesSection(): string {
  const topics = NOTES.map(
    ({ title, notes }) =>
      `### ${title}\n\n${table(
        ['Debezium', 'here', 'why'],
        notes.map(({ debezium, here, why }) => [debezium, here, why]),
      )}`,
  );
  const defaults = OPTIONS.filter((spec) => spec.differs !== undefined).map((spec) => [
    code(spec.name),
    spec.default === undefined ? 'none' : code(spec.default),
    sentence(spec.differs ?? ''),
  ]);
  const recorded = KNOWN_DIFFERENCES.map(({ debezium, slotline, reason, server, cases }) => [
    code(String(debezium)),
    code(slotline),
    sentence(reason) + (server === undefined ? '' : ` Only on ${server}.`),
    caseLinks(cases, CASES_SHOWN_MAX),
  ]);
  const servers = LEFT_OUT.map(({ server, cases, reason }) => [String(server), sentence(reason), caseLinks(cases, CASES_SHOWN_MAX)]);
  return [
    '## Differences on purpose\n',
    ...topics,
    `### In recorded events\n\n${table(['Debezium', 'here', 'why', 'cases'], recorded)}`,
    `### Defaults\n\n${table(['option', 'default here', 'elsewhere, and why'], defaults)}`,
    `### Server releases\n\nCases that are not replayed on a release:\n\n${table(['release', 'why', 'cases'], servers)}`,
  ].join('\n');
}

function correctionsSection(): string {
  const rows = VALUE_CORRECTIONS.map((name) => {
    const { debezium, mended, cases } = CORRECTIONS[name];
    return [code(name), debezium, mended, caseLinks(cases, CASES_SHOWN_MAX)];
  });
  return `## Where Debezium is broken

It is matched all the same. \`slotline.values.corrections\` mends it, one by one or \`all\`:

${table(['correction', 'Debezium', 'mended', 'seen in'], rows)}`;
}

function propertiesSection(groups: readonly CaseGroup[]): string {
  const topics = DEBEZIUM_PROPERTIES.map(({ title, names }) => {
    const rows = names.map((name) => propertyRow(name, groups));
    return `### ${title}\n\n${table(['property', 'here', 'how', 'cases'], rows)}`;
  });
  return `## Every property of Debezium

honoured: does what Debezium's does. Differs: honoured, but for what is said. No effect: accepted, and changes nothing here. Not yet: refused
unless it has its default. What each means is in [options](options.md).

${topics.join('\n')}`;
}

function propertyRow(name: string, groups: readonly CaseGroup[]): string[] {
  const renamed = RENAMED[sampleOf(name)];
  if (renamed !== undefined) return [code(name), 'honoured', `Read as ${code(renamed.to)}.`, casesWith(name, groups)];
  const spec = findProperty(name);
  const [status, how] = verdict(spec);
  return [code(name), status, how, status === 'honoured' || status === 'differs' ? casesWith(name, groups) : ''];
}

/** Throws where the option table lacks the property, because the page would say nothing about it then. */
export function findProperty(name: string): OptionSpec {
  const sample = sampleOf(name);
  const spec = findOption(sample)?.spec ?? findFamily(sample);
  if (spec === undefined) throw new Error(`The option table has no ${name}`);
  return spec;
}

/** An example of a family's member, as a user would write it. */
function sampleOf(name: string): string {
  return name
    .replace('producer.override.<option>', 'producer.override.linger.ms')
    .replace('<n>', '5')
    .replace('<algorithm>', 'SHA-256')
    .replace(/<[^>]+>/g, 'x');
}

function verdict(spec: OptionSpec): [status: string, how: string] {
  const reason = sentence(spec.reason ?? '');
  if (spec.status !== 'honoured') return [spec.status, reason];
  const refused = refusedValues(spec);
  const how = spec.differs === undefined ? [] : [`Default: ${sentence(spec.differs)}`];
  if (refused.length > 0) how.push(`Not yet: ${refused.map(code).join(', ')}. ${reason}`.trim());
  return how.length === 0 ? ['honoured', ''] : ['differs', how.join(' ')];
}

function casesWith(name: string, groups: readonly CaseGroup[]): string {
  const parts = name.split(/<[^>]*>/).map((part) => RegExp.escape(part));
  const pattern = new RegExp(`^${parts.join('.+')}$`);
  // The recorder sets these for every case.
  if (/^(topic\.prefix|database\.dbname|(key|value)\.converter(\..*)?)$/.test(name)) return 'every case';
  const found = groups.filter(({ cases }) => cases.some(({ settings }) => Object.keys(settings).some((key) => pattern.test(key))));
  return caseLinks(
    found.map((group) => group.name),
    CASES_SHOWN_MAX,
  );
}
