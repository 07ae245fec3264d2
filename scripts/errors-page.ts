/** Owns docs/errors.md: Slotline's own errors, and what it makes of the codes of Kafka, PostgreSQL and the registry. Written from the tables only. */
import { ERROR_TABLE, type Healing } from '../src/core/errors.ts';
import { type BatchEffect, FOREIGN_KAFKA_ERRORS, KAFKA_ERRORS } from '../src/kafka/error-table.ts';
import { POSTGRES_STATES } from '../src/postgres/session/sqlstate-table.ts';
import { REGISTRY_ANSWERS } from '../src/registry/errors.ts';
import { cell, code, sentence } from './markdown.ts';

export function errorsPage(): string {
  const rows = Object.entries(ERROR_TABLE).map(([name, each]) => [code(name), each.retry, sentence(each.what), sentence(each.remedy)]);
  return [
    INTRODUCTION,
    table(['code', 'retry', 'what happened', 'what to do'], rows),
    kafkaSection(),
    postgresSection(),
    registrySection(),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  return `| ${head.join(' | ')} |\n|${head.map(() => '---|').join('')}\n${lines.join('\n')}\n`;
}

const INTRODUCTION = `# Errors

This page is generated from the tables of errors (\`npm run docs\`).

| retry | what happens |
|---|---|
| auto | retried with a growing pause |
| manual | ends the process at start, because a person has to act; retried once the connector has run |
| never | ends the process whenever it appears |

What other systems answer is sorted by what heals it: [Kafka](#what-kafka-answers), [PostgreSQL](#what-postgresql-answers), [the schema registry](#what-the-schema-registry-answers).
`;

const HEALING: Readonly<Record<Healing, string>> = {
  alone: 'heals alone',
  again: 'heals by asking again, splitting or reopening',
  person: 'needs a person',
};

const BATCH: Readonly<Record<BatchEffect, string>> = {
  written: 'it is written',
  again: 'sent again as it is',
  reopen: 'its topic is looked for, made again if it is gone; then sent again',
  split: 'cut into smaller batches; a single record ends the attempt',
  end: 'the attempt ends',
};

function kafkaSection(): string {
  const rows = KAFKA_ERRORS.map(({ code: number, name, healing, batch, becomes, note }) => [
    `${number} ${name}`,
    number === 0 ? '' : HEALING[healing],
    BATCH[batch],
    batch === 'written' ? '' : code(becomes),
    note === undefined ? '' : sentence(note),
  ]);
  const foreign = [...FOREIGN_KAFKA_ERRORS].map(([number, name]) => `${number} ${name}`).join(', ');
  const head = ['code of Kafka', 'class', 'a batch that is answered so', 'the error, where it ends an attempt', 'about'];
  return `${KAFKA_INTRODUCTION}\n${table(head, rows)}\nNever an answer to what Slotline asks, and treated as unknown: ${foreign}.\n`;
}

const KAFKA_INTRODUCTION = `## What Kafka answers

A batch is sent again after fresh metadata, with pauses of at most half a second, until \`producer.delivery.timeout.ms\` is over; then the
attempt ends with \`kafka_delivery_timeout\`, which names the last answer, and the next begins at the last confirmed position. Any other
question (topics, their settings, a producer id) is asked again with pauses of at most a second, except where a person is needed.
DescribeConfigs that is refused is no error: the limits of the topic are not known then. A code that is not on this page is treated as one
that heals by asking again.
`;

function postgresSection(): string {
  const rows = POSTGRES_STATES.map(({ state, healing, becomes, note, subject, named }) => {
    const about = subject === undefined ? '' : `, about a ${subject}`;
    const holds = named === undefined ? '' : `, the message holds “${named}”`;
    return [
      `${state.length === 2 ? `class ${state}` : state}${about}${holds}`,
      HEALING[healing],
      code(becomes),
      ERROR_TABLE[becomes].retry,
      sentence(note),
    ];
  });
  return `${POSTGRES_INTRODUCTION}\n${table(['SQLSTATE', 'class', 'error', 'retry', 'about'], rows)}`;
}

const POSTGRES_INTRODUCTION = `## What PostgreSQL answers

By SQLSTATE, because messages are translated; the first row that fits holds. It is the same for a query, a login and an error inside the
replication stream. A state that is not on this page is tried again (\`pg_query_failed\`), once in each attempt.
`;

function registrySection(): string {
  const rows = REGISTRY_ANSWERS.map(({ from, to, errorCodes, healing, becomes, note }) => [
    `${from === to ? from : `${from}–${to}`}${errorCodes === undefined ? '' : ` with ${errorCodes.join(', ')}`}`,
    becomes === 'answer' ? '' : HEALING[healing],
    becomes === 'answer' ? 'an answer' : code(becomes),
    becomes === 'answer' ? '' : ERROR_TABLE[becomes].retry,
    sentence(note),
  ]);
  return `${REGISTRY_INTRODUCTION}\n${table(['status, error_code', 'class', 'error', 'retry', 'about'], rows)}`;
}

const REGISTRY_INTRODUCTION = `## What the schema registry answers

No answer at all, and what heals alone, is asked again at every address with growing pauses, for some time within an attempt. Any other status, such as
a redirect, needs a person: \`registry_bad_answer\`.
`;
