import { describe, expect, test } from 'vitest';
import { formatNotes, formatProblems } from '../problems.ts';
import { FOREIGN_NAMES, foreignNames } from '../table/names/foreign.ts';
import { findFamily, findOption } from '../table/options.ts';
import { resolveConfig } from './resolve.ts';

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
  'key.converter': 'json',
  'value.converter': 'json',
};

function notesOf(more: Readonly<Record<string, unknown>>): string[] {
  const result = resolveConfig({ ...REQUIRED, ...more }, { variables: {}, readFile: () => '' });
  expect(result.tag === 'refused' ? formatProblems(result.problems) : '').toBe('');
  return formatNotes(result.notes)
    .split('\n')
    .filter((line) => line !== '');
}

describe('options without effect', () => {
  test('have one note for each reason', () => {
    expect(notesOf({ 'driver.socketTimeout': 3, 'database.autosave': 'x', 'metric.reporters': 'a' })).toEqual([
      'metric.reporters: has no effect: There is no JMX.',
      'database.autosave: has no effect, nor have driver.socketTimeout: There is no JDBC driver.',
    ]);
  });

  test.each([
    { 'poll.interval.ms': 100, 'max.batch.size': 4096, 'snapshot.fetch.size': 20_000, 'tasks.max': 4, 'producer.retries': 3 },
    { 'errors.tolerance': 'none', 'errors.log.enable': true, 'snapshot.isolation.mode': 'repeatable_read', 'offset.flush.interval.ms': 10 },
    { 'include.schema.changes': 'false', 'database.include.list': 'd' },
  ])('have none where nobody can tell: %j', (more) => {
    expect(notesOf(more)).toEqual([]);
  });
});

describe('names of others', () => {
  test.each([
    [{ 'errors.deadletterqueue.topic.name': 'dlq', 'behavior.on.null.values': 'ignore' }, 'It is an option of sink connectors.'],
    [{ 'include.schema.changes': true }, 'The PostgreSQL connector sends no schema changes.'],
    [
      {
        'schema.history.internal.kafka.topic': 'h',
        'database.history.kafka.bootstrap.servers': 'k:1',
        'database.history.consumer.sasl.jaas.config': 'x',
      },
      'The PostgreSQL connector keeps no schema history.',
    ],
    [{ 'database.server.id': '184054', 'gtid.source.includes': 'x' }, 'It is an option of connectors for other databases.'],
    [{ 'database.whitelist': 'shop', 'database.include.list': 'shop' }, 'database.dbname names the one database.'],
    [{ 'replication.factor': 3, partitions: 6 }, 'topic.creation.default.* says how topics are made.'],
    [{ 'schema.registry.url': 'http://r:8081' }, 'It is an option of a converter, and needs the prefix key.converter. or value.converter.'],
    [{ 'drop.tombstones': true }, 'It is an option of a transform, and needs the prefix transforms.<name>.'],
    [{ _comment: 'a', '//database.hostname': 'b', '# old': 'c' }, 'It is a comment.'],
  ])('%j is one note', (more, reason) => {
    const notes = notesOf(more);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(new RegExp(`has no effect(, nor have .*)?: ${RegExp.escape(reason)}$`));
    for (const key of Object.keys(more)) expect(notes[0]).toContain(key);
  });

  test('are cut short where there are many', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`schema.history.internal.x${index}`, '1']));
    expect(notesOf(many)[0]).toContain('x6 and 3 more: ');
  });

  test('show neither values nor salts', () => {
    const text = notesOf({ '_column.mask.hash.SHA-256.with.salt.PEPPER': 'a', 'connection.password': 'PEPPER' }).join('\n');
    expect(text).toContain('connection.password');
    expect(text).not.toContain('PEPPER');
  });

  test('are no options of ours, and no filter or mask of the PostgreSQL connector is near one', () => {
    const plain = FOREIGN_NAMES.flatMap(({ names }) => names).filter((name) => !name.includes('*'));
    expect(plain.filter((name) => findOption(name) !== undefined)).toEqual([]);
    expect(plain.filter((name) => findFamily(name) !== undefined && !name.startsWith('database.'))).toEqual([]);
    for (const name of ['table.include.lst', 'colum.exclude.list', 'schema.exclude', 'database.sslmod', 'skiped.operations'])
      expect(foreignNames(name), name).toBeUndefined();
  });
});
