/** Owns docs/errors.md: Slotline's own errors, and what the codes of Kafka, PostgreSQL and the registry are taken for. From the tables alone. */
import { ERROR_TABLE, type Healing } from '../src/core/errors.ts';
import { type BatchEffect, FOREIGN_KAFKA_ERRORS, KAFKA_ERRORS } from '../src/kafka/error-table.ts';
import { cell, code, sentence } from './markdown.ts';

export function errorsPage(): string {
  const rows = Object.entries(ERROR_TABLE).map(([name, each]) => [code(name), each.retry, sentence(each.what), sentence(each.remedy)]);
  return [INTRODUCTION, table(['code', 'retry', 'what happened', 'what to do'], rows), kafkaSection()].join('\n');
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

What other systems answer is sorted by what heals it: [Kafka](#what-kafka-answers).
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
