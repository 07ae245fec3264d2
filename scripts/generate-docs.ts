/**
 * Owns docs/options.md, docs/metrics.md, the "not yet" block of the README, and that docs/errors.md (errors-page.ts), docs/compatibility.md
 * (compatibility.ts), docs/coverage.md (coverage-page.ts) and docs/transforms.md (transforms-page.ts) are written: all from the tables of the program and the recorded cases. Run by
 * `npm run docs`; test/docs.test.ts compares. Does not own any other text.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FOREIGN_NAMES } from '../src/config/table/names/foreign.ts';
import { RENAMED, RENAMED_VALUES } from '../src/config/table/names/renamed.ts';
import { isFamily, type OptionSpec } from '../src/config/table/option-spec.ts';
import { OPTION_TOPICS, type OptionTopic } from '../src/config/table/options.ts';
import { METRICS } from '../src/ops/metrics.ts';
import { readGroups } from '../test/golden/case-store.ts';
import { coverage } from '../test/golden/coverage.ts';
import { compatibilityPage } from './compatibility.ts';
import { coveragePage } from './coverage-page.ts';
import { errorsPage } from './errors-page.ts';
import { cell, code, kindName, refusedValues, sentence } from './markdown.ts';
import { transformsPage } from './transforms-page.ts';

const ROOT = new URL('..', import.meta.url);
const NOT_YET_START = '<!-- not-yet:start -->';
const NOT_YET_END = '<!-- not-yet:end -->';

/** The contents of each generated file, by path from the root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const groups = readGroups();
  const files = new Map([
    ['docs/options.md', optionsPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/transforms.md', transformsPage()],
    ['docs/compatibility.md', compatibilityPage(groups)],
    ['docs/coverage.md', coveragePage(coverage(groups))],
  ]);
  const readme = new URL('README.md', ROOT);
  if (existsSync(readme)) files.set('README.md', withNotYetBlock(readFileSync(readme, 'utf8')));
  return files;
}

/** Throws if the markers are missing, because the README would then not say what is not supported. */
export function withNotYetBlock(readme: string): string {
  const start = readme.indexOf(NOT_YET_START);
  const end = readme.indexOf(NOT_YET_END);
  if (start === -1 || end < start) throw new Error(`README.md needs ${NOT_YET_START} and ${NOT_YET_END}`);
  return `${readme.slice(0, start + NOT_YET_START.length)}\n${notYetBlock()}\n${readme.slice(end)}`;
}

/** One line per reason: options that would change which data is sent or its shape, and single values of honoured ones. */
function notYetBlock(): string {
  return OPTION_TOPICS.map(notYetOfTopic)
    .filter((text) => text !== '')
    .join('\n\n');
}

function notYetOfTopic(topic: OptionTopic): string {
  const byReason = new Map<string, string[]>();
  for (const spec of topic.options) {
    const subject = notYetSubject(spec);
    if (subject === undefined) continue;
    const reason = spec.reason ?? '';
    byReason.set(reason, [...(byReason.get(reason) ?? []), subject]);
  }
  const lines = [...byReason].map(([reason, subjects]) => `- ${subjects.join(', ')}: ${reason}`);
  return lines.length === 0 ? '' : `**${topic.title}**\n\n${lines.join('\n')}`;
}

function notYetSubject(spec: OptionSpec): string | undefined {
  if (spec.status === 'not yet') return spec.parent === undefined ? code(spec.name) : undefined;
  const refused = refusedValues(spec);
  return refused.length === 0 ? undefined : `${code(spec.name)} ${refused.map(code).join(', ')}`;
}

function optionsPage(): string {
  return `${OPTIONS_INTRODUCTION}\n${differingSection()}\n${OPTION_TOPICS.map(topicSection).join('\n')}\n${renamedSection()}\n${foreignSection()}`;
}

const OPTIONS_INTRODUCTION = `# Options

This page is generated from the option table (\`npm run docs\`).

One JSON file holds one connector, either as Kafka Connect takes it, \`{"name": "…", "config": {…}}\`, or the flat map alone.
Names are Debezium's and Kafka's own; what only Slotline has begins with \`slotline.\`. Values may be texts, numbers or booleans;
lists are one text, its items separated by commas.

Where a text holds one of these, it is replaced before it is checked; problems always show the text as it was written:

| written | becomes |
|---|---|
| \`\${env:NAME}\` | the environment variable |
| \`\${file:PATH}\` | the content of the file, without its last line end |
| \`\${file:PATH:KEY}\` | the value of the key in a Java properties file |
| \`\${dir:PATH:NAME}\` | the content of the file NAME in the folder |

The names that \`config.providers\` gives to Connect's own providers are understood too. Other stores of secrets are not read.

Files are read again while it runs, for secrets only: the login of PostgreSQL for each connection, those of Kafka and registries for each attempt.

Patterns are regular expressions that match the whole name, in any case; \`\\,\` is a comma inside a pattern.

| class | what happens |
|---|---|
| honoured | does what Debezium's or Kafka's option does |
| no effect | accepted; changes nothing here; where that differs from what the value asks for, one note for each reason at start |
| not yet | would change which data is sent or its shape: refused unless it has its default, or \`slotline.unsupported.allow\` names it |
| family | any name of this form, with the class that follows |

A name that is not on this page is an error, unless \`slotline.unsupported.allow\` names it.
`;

/** The section about what somebody who moves from Debezium or Connect would not expect. */
function differingSection(): string {
  const specs = OPTION_TOPICS.flatMap((topic) => topic.options).filter((spec) => spec.differs !== undefined);
  const rows = specs.map((spec) => [
    code(spec.name),
    spec.default === undefined ? 'none' : code(spec.default),
    sentence(spec.differs ?? ''),
  ]);
  const lines = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  return `## Defaults that differ\n\n| option | default here | elsewhere |\n|---|---|---|\n${lines.join('\n')}\n`;
}

function topicSection(topic: OptionTopic): string {
  const rows = topic.options.map((spec) => `| ${optionCells(spec).join(' | ')} |`);
  return `## ${topic.title}\n\n| option | type | default | class | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

function optionCells(spec: OptionSpec): string[] {
  const type = kindName(spec.kind) + (spec.unit === undefined ? '' : ` (${spec.unit})`);
  const value = spec.default === undefined ? (spec.required ? 'required' : '') : code(spec.default === '' ? '""' : spec.default);
  const status = isFamily(spec) ? `family, ${spec.status}` : spec.status;
  return [code(spec.name), type, value, status, meaning(spec)].map(cell);
}

function meaning(spec: OptionSpec): string {
  const refused = refusedValues(spec);
  const parts = [sentence(spec.doc)];
  if (spec.status !== 'honoured') parts.push(sentence(spec.reason ?? ''));
  else if (refused.length > 0)
    parts.push(`Not honoured yet: ${refused.map(code).join(', ')}${spec.reason === undefined ? '.' : ` (${spec.reason})`}`);
  if (spec.status === 'honoured') parts.push(`*Default: ${sentence(spec.why)}*`);
  if (spec.differs !== undefined) parts.push(`*Differs: ${sentence(spec.differs)}*`);
  return parts.join(' ');
}

function renamedSection(): string {
  const rows = Object.entries(RENAMED).map(([name, each]) => [code(name), code(each.to)]);
  for (const [option, values] of Object.entries(RENAMED_VALUES)) {
    for (const [old, now] of Object.entries(values)) rows.push([code(`${option}=${old}`), code(`${option}=${now}`)]);
  }
  const lines = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  return `## Old names\n\nNames that Debezium had once are read as the new ones, with a note.\n\n| old | now |\n|---|---|\n${lines.join('\n')}\n`;
}

function foreignSection(): string {
  const lines = FOREIGN_NAMES.map(({ reason, names }) => `| ${[reason, names.map(code).join(', ')].map(cell).join(' | ')} |`);
  return `## Names of others\n\nThese are no options of the PostgreSQL connector. Debezium and Connect ignore them; here they do nothing, and one note for each kind says so.\n\n| why | names |\n|---|---|\n${lines.join('\n')}\n`;
}

function metricsPage(): string {
  const rows = METRICS.map((spec) => {
    const labels = 'label' in spec ? `\`connector\`, ${code(spec.label)}` : '`connector`';
    return `| ${[code(spec.name), spec.kind, labels, spec.help].map(cell).join(' | ')} |`;
  });
  return `${METRICS_INTRODUCTION}\n| metric | kind | labels | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

const METRICS_INTRODUCTION = `# Metrics

This page is generated from the table of metrics (\`npm run docs\`).

\`GET /metrics\` on \`slotline.http.port\` answers in Prometheus' text format. Every value is read at that moment; counters begin at 0 with
the process and go on over attempts. What to alert on: [operating](operating.md#health-and-metrics).
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generatedFiles()) {
    writeFileSync(new URL(path, ROOT), text);
    console.log(`wrote ${path}`);
  }
}
