/**
 * Owns the tests of what `slotline check` says of names, lists, replica identities and SELECTs, and that a start refuses the
 * same faults, all at once.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import type { CheckReport } from '../../src/cli/check/report.ts';
import { resolveConfig } from '../../src/config/resolve/resolve.ts';
import type { Judgement } from '../../src/pipeline/judgements/judgement.ts';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startSlotline, startStreaming } from '../harness/slotline.ts';

const TABLES = `
create table item (id int primary key, name text not null, secret text);
create unique index item_name on item (name);
create table "a b" (id int primary key);
create table "a?b" (id int primary key);
insert into item values (1, 'one', 's'), (2, 'two', 's');
`;

describe('names, lists and replica identities', () => {
  let fresh: FreshDatabase;
  let name: string;

  beforeEach(async () => {
    fresh = await freshDatabase(18);
    name = uniqueName('c');
    await fresh.client.query(TABLES);
  });
  afterEach(() => fresh.drop());

  const config = (overrides: ConnectorConfig): ConnectorConfig => {
    const place = { server: fresh.server, database: fresh.database, bootstrapServers: sharedKafka().bootstrapServers, name };
    return connectorConfig(place, { 'table.include.list': 'public.item', ...overrides });
  };
  const check = async (overrides: ConnectorConfig): Promise<CheckReport> => {
    const result = resolveConfig(config(overrides), { variables: {}, readFile: () => '' });
    if (result.tag === 'refused') throw new Error(JSON.stringify(result.problems));
    return runCheck(result.options, CHECK_DEPS);
  };
  const told = (report: CheckReport, status: Judgement['status']): string[] =>
    report.items.filter((item) => item.status === status).map(({ what, where }) => (where === undefined ? what : `${where}: ${what}`));
  const faults = { 'table.include.list': 'public.*', 'topic.transaction': 'public.item', 'provide.transaction.metadata': 'true' };

  it('faults of names are told all at once, also where Kafka is away', async () => {
    const report = await check({ ...faults, 'message.key.columns': 'public.item:nothere,absent', 'bootstrap.servers': '127.0.0.1:1' });
    expect(told(report, 'fail').filter((text) => !text.includes('Kafka'))).toEqual([
      `${name}.public.a_b: public.a b and public.a?b map to one topic`,
      `${name}.public.item: public.item and transaction metadata map to one topic`,
      'public.item: message.key.columns names nothere, which no matching table has',
      'public.item: message.key.columns names absent, which no matching table has',
    ]);
  });

  it('a start names the same faults, one line each, and ends', async () => {
    await using slotline = startSlotline(config({ ...faults, 'message.key.columns': 'public.item:nothere' }));
    expect(await slotline.exited).toBe(1);
    const lines = slotline.lines.filter(({ event }) => event === 'start.fault');
    expect(lines.map(({ code }) => code)).toEqual(['topic_name_collision', 'topic_name_collision', 'key_column_missing']);
    expect(lines.map(({ message }) => message).join('\n')).toMatch(
      /public\.a b, public\.a\?b.*public\.item, transaction metadata.*nothere/s,
    );
    const slots = await fresh.client.query('select from pg_replication_slots where slot_name = $1', [name]);
    expect(slots.rowCount).toBe(0);
  });

  it('more tables than the guardrail allows are told, or end the start', async () => {
    const crowded = { 'table.include.list': 'public.item,public.a b', 'guardrail.collections.max': '1' };
    expect(told(await check(crowded), 'warn')).toContain('2 tables are captured, and guardrail.collections.max is 1');
    await using slotline = startSlotline(config({ ...crowded, 'guardrail.collections.limit.action': 'fail' }));
    expect(await slotline.exited).toBe(1);
    expect(slotline.lines.find(({ event }) => event === 'connector.failed')).toMatchObject({ code: 'guardrail_exceeded' });
  });

  it('columns that become one field are told, and end the start', async () => {
    await fresh.client.query('create table twins (id int primary key, "a b" text, "a_b" text)');
    const adjusted = { 'table.include.list': 'public.item,public.twins', 'field.name.adjustment.mode': 'avro' };
    expect(told(await check(adjusted), 'fail')).toContain('public.twins: a b and a_b become one field, a_b');
    await using slotline = startSlotline(config(adjusted));
    expect(await slotline.exited).toBe(1);
    expect(slotline.lines.find(({ event }) => event === 'start.fault')).toMatchObject({ code: 'field_name_collision' });
    const excluded = { ...adjusted, 'column.exclude.list': 'public.twins.a b' };
    expect(told(await check(excluded), 'fail').filter((text) => text.includes('field'))).toEqual([]);
  });

  it('entries of lists that match nothing are told, without a salt', async () => {
    const report = await check({
      'message.key.columns': 'public.later:id',
      'column.mask.with.3.chars': 'public.item.secret,public.item.secrte',
      'column.mask.hash.SHA-256.with.salt.s3cr3t': 'public.none.x',
      'snapshot.include.collection.list': 'public.item,public.itme',
      'snapshot.select.statement.overrides': 'public.itme',
      'snapshot.select.statement.overrides.public.itme': 'select 1',
    });
    const warned = told(report, 'warn').filter((text) => text.includes('matches nothing'));
    expect(warned.map((text) => text.replace(' has an entry that matches nothing captured', ''))).toEqual([
      'message.key.columns: public.later',
      'column.mask.with.3.chars: public.item.secrte',
      'column.mask.hash.SHA-256.with.salt.***: public.none.x',
      'snapshot.include.collection.list: public.itme',
      'snapshot.select.statement.overrides: public.itme',
    ]);
    expect(JSON.stringify(report)).not.toContain('s3cr3t');
  });

  it('replica identities to be set are told, and set by the start once', async () => {
    const overrides = {
      'table.include.list': 'public.item,public.a b',
      'replica.identity.autoset.values': 'public.item:INDEX item_name,.*b:FULL,public.a.*:NOTHING',
    };
    const report = await check(overrides);
    const items = report.items.filter((item) => item.check === 'tables.replica_identity_autoset');
    expect(items).toMatchObject([
      { status: 'warn', where: 'public.a b' },
      { status: 'ok', where: 'public.item', sql: ['alter table "public"."item" replica identity using index "item_name"'] },
    ]);
    await using slotline = await startStreaming(config(overrides));
    expect(slotline.lines.filter(({ event }) => event === 'replica_identity.set')).toMatchObject([
      { table: 'public.item', from: 'default' },
    ]);
    expect(slotline.lines.filter(({ event }) => event === 'replica_identity.ambiguous')).toMatchObject([{ table: 'public.a b' }]);
    await slotline.stop();
    await using again = await startStreaming(config(overrides));
    expect(again.lines.filter(({ event }) => event.startsWith('replica_identity.set'))).toEqual([]);
  });

  it('a replica identity that the server refuses is told, and the connector goes on', async () => {
    await using slotline = await startStreaming(config({ 'replica.identity.autoset.values': 'public.item:INDEX absent' }));
    const [line] = slotline.lines.filter(({ event }) => event === 'replica_identity.not_set');
    expect(line).toMatchObject({ table: 'public.item', to: 'using index "absent"', message: expect.stringContaining('absent') });
  });

  it('a SELECT that the server refuses, or that gives a column which the table lacks, ends the start', async () => {
    const overrides = (select: string): ConnectorConfig => ({
      'snapshot.select.statement.overrides': 'public.item',
      'snapshot.select.statement.overrides.public.item': select,
    });
    const report = await check(overrides('select * from nowhere'));
    expect(told(report, 'fail')).toEqual(['public.item: The SELECT of the config is refused: relation "nowhere" does not exist']);
    expect(told(await check(overrides('select * from item where id > 1')), 'fail')).toEqual([]);
    for (const select of ['select * from nowhere', 'select *, 1 as extra from item', `select id, name::int as name from item`]) {
      await using slotline = startSlotline(config(overrides(select)));
      expect(await slotline.exited).toBe(1);
      const [line] = slotline.lines.filter(({ event }) => event === 'connector.failed');
      expect(line).toMatchObject({ code: 'select_override_failed', message: expect.stringContaining('public.item') });
      // The server quotes the value that it cannot cast; we do not.
      expect(JSON.stringify(slotline.lines)).not.toContain('"one');
    }
  });
});
