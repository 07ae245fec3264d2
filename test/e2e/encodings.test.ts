/**
 * Databases in encodings other than UTF8, through the whole program: names and values come as the same text, from the snapshot, the stream
 * and bulk reading; a value that has no form in UTF-8 ends with an error that says so; encodings without a conversion are refused.
 */
import { describe, expect, it } from 'vitest';
import type { Lsn } from '../../src/core/lsn.ts';
import { endOfWal, framesByBulk, framesByStream, openRange } from '../bulk/both-sources.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startSlotline, startStreaming } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { failedRun, failureOf } from './endings.ts';
import { readEvents } from './topic-events.ts';

const { bootstrapServers } = sharedKafka();
const WAL_STEP = 1_000_000;

type Source = FreshDatabase & { config(overrides?: ConnectorConfig): ConnectorConfig; [Symbol.asyncDispose](): Promise<void> };

async function makeSource(server: 14 | 18, encoding: string): Promise<Source> {
  const name = uniqueName('enc');
  const db = await freshDatabase(server, name, encoding);
  const config: Source['config'] = (overrides) =>
    connectorConfig({ server: db.server, database: db.database, bootstrapServers, name }, overrides);
  return { ...db, config, [Symbol.asyncDispose]: () => db.drop() };
}

/** Words of the encoding: a table, a column, a label of an enum, a default, two values. */
const CASES = [
  { server: 14, encoding: 'LATIN1', words: ['größe', 'straße', 'groß', 'é', 'Müller', 'ÿþ¿½'] },
  { server: 18, encoding: 'WIN1252', words: ['œuvre', 'prix€', '“rouge”', '™', '€ 5', 'Žižek…'] },
  { server: 18, encoding: 'EUC_JP', words: ['表', '列', '赤い', '既定', '日本語', '漢字かなカナ'] },
] as const;

describe.each(CASES)('$encoding on PostgreSQL $server', ({ server, encoding, words }) => {
  const [table, column, label, fallback, first, second] = words;
  const setup = `create type mood as enum ('${label}', 'ok');
    create table "${table}" ("${column}" text primary key, m mood default '${label}', d text not null default '${fallback}', a text[]);
    alter table "${table}" replica identity full;
    insert into "${table}" values ('${first}', '${label}', '${first}', '{${first},x}')`;
  const changes = `insert into "${table}" ("${column}", a) values ('${second}', '{${second}}');
    update "${table}" set d = '${second}' where "${column}" = '${first}'; delete from "${table}" where "${column}" = '${second}'`;

  it('names, values, defaults and labels are the same text in snapshot and stream', { timeout: 60_000 }, async () => {
    await using source = await makeSource(server, encoding);
    await source.client.query(setup);
    const own = { 'table.include.list': `public\\.${table}`, 'column.include.list': `public\\.${table}\\.(${column}|m|d|a)` };
    await using slotline = await startStreaming(source.config({ ...own, 'value.converter.schemas.enable': 'true' }));
    await source.client.query(`${changes}; select pg_logical_emit_message(true, '${first}', 'x')`);
    const topic = `${source.database}.public.${table.replaceAll(/[^a-z]/g, '_')}`;
    const events = await readEvents(bootstrapServers, topic, (all) => all.length >= 5);
    const messages = await readEvents(bootstrapServers, `${source.database}.message`, (all) => all.length >= 1);
    expect((await slotline.stop()).exitCode).toBe(0);
    const row = (key: string, d: string): object => ({ [column]: key, m: label, d, a: key === first ? [first, 'x'] : [second] });
    expect(events.map(({ value }) => [value?.op, value?.before ?? null, value?.after ?? null])).toEqual([
      ['r', null, row(first, first)],
      ['c', null, row(second, fallback)],
      ['u', row(first, first), row(first, second)],
      ['d', row(second, fallback), null],
      [undefined, null, null],
    ]);
    expect(events[3]?.key).toEqual({ [column]: second });
    expect(events[1]?.value?.source.table).toBe(table);
    expect(events[1]?.text).toContain(`"default":${JSON.stringify(fallback)}`);
    expect(events[1]?.text).toContain(`"allowed":"${label},ok"`);
    expect(messages[0]?.value?.message?.prefix).toBe(first);
  });

  it('bulk reading gives the same bytes as the stream', async () => {
    await using source = await makeSource(server, encoding);
    await source.client.query(setup);
    const { slot, fromLsn } = await openRange(source.client);
    await source.client.query(`${changes}; select pg_logical_emit_message(true, '${first}', '${second}')`);
    const range = { server: source.server, database: source.database, slot, fromLsn, toLsn: await endOfWal(source.client) };
    const streamed = await framesByStream(source.client, range);
    const { frames } = await framesByBulk(source.client, range, { nextEdge: (asked) => (asked + WAL_STEP) as Lsn });
    expect(frames).toEqual(streamed);
    expect(streamed.some((frame) => frame.includes(Buffer.from(second).toString('hex')))).toBe(true);
    await source.client.query('select pg_drop_replication_slot($1)', [slot]);
  });
});

describe('what has no form in UTF-8', () => {
  /** The byte 0x81 is no character of WIN1252, and the server takes it all the same. */
  const NO_CHARACTER = `convert_from('\\x81', 'WIN1252')`;

  it('ends the stream, and the snapshot, with an error that says what to do and shows nothing of the value', {
    timeout: 60_000,
  }, async () => {
    await using source = await makeSource(18, 'WIN1252');
    await source.client.query('create table t (id int primary key, v text)');
    await using streaming = await startStreaming(source.config());
    await source.client.query(`insert into t values (1, 'a'); insert into t values (2, ${NO_CHARACTER})`);
    const error = await failureOf(streaming, 'pg_text_untranslatable');
    expect(error['remedy']).toContain('UTF8');
    expect(await streaming.exited).toBe(1);
    expect(JSON.stringify(streaming.lines)).not.toContain('0x81');
    await dropSlot(source.client, source.database);
    await using snapshot = startSlotline(source.config({ 'snapshot.mode': 'when_needed' }));
    expect(await snapshot.exited).toBe(1);
    expect(await failureOf(snapshot, 'pg_text_untranslatable')).toMatchObject({ message: expect.stringContaining('table=public.t') });
    expect(JSON.stringify(snapshot.lines)).not.toContain('0x81');
  });

  it.each(['SQL_ASCII', 'MULE_INTERNAL'])('a database in %s is refused', async (encoding) => {
    // A client that asks for UTF8, as that of a fresh database does, is not let into every one of them.
    await using source = await makeSource(18, 'UTF8');
    const database = `${source.database}_bytes`;
    await source.server.createDatabase(database, encoding);
    const failure = await failedRun(source.config({ 'database.dbname': database }), 'pg_encoding_unsupported');
    expect(failure).toMatchObject({ message: expect.stringContaining(encoding), remedy: expect.stringContaining('LATIN1') });
    await source.server.query('postgres', `drop database ${database} with (force)`);
  });
});
