/**
 * slotline.values.corrections, through the whole program: with all of them a snapshot and the stream publish the same bytes for the same
 * values, also where Debezium's differ; and a required value without a form stops the connector until a correction lets it pass.
 */
import { describe, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { type ConnectorConfig, connectorConfig, startStreaming } from '../harness/slotline.ts';
import { failureOf } from './endings.ts';
import { afterBytes, readEvents } from './topic-events.ts';

type Source = FreshDatabase & {
  readonly name: string;
  config(overrides?: ConnectorConfig): ConnectorConfig;
  [Symbol.asyncDispose](): Promise<void>;
};

async function makeSource(setup: string): Promise<Source> {
  const db = await freshDatabase(18);
  const name = uniqueName('mend');
  await db.client.query(setup);
  const { bootstrapServers } = sharedKafka();
  return {
    ...db,
    name,
    config: (overrides) => connectorConfig({ server: db.server, database: db.database, bootstrapServers, name }, overrides),
    [Symbol.asyncDispose]: () => db.drop(),
  };
}

const COLUMNS = `d date, da date[], ta time[], tsa timestamp[], tza timestamptz[], ttz timetz, n name, ia int[], xa text[], ba bit(3)[],
  iv int2vector, ov oidvector, m mood[], p numeric(9,2) not null, np numeric(3,-2)`;
const HARD_ROWS = [
  `'infinity', '{"0044-03-15 BC",infinity}', '{24:00,12:30:00.123456}', '{"0044-03-15 12:00:00.5 BC"}', '{"0044-03-15 12:00:00.5+00 BC"}',
   '24:00:00+00', 'nm', '{{1,2},{3,NULL}}', '{{a,"b}"}}', '{101,NULL}', '1 2', '3 4294967295', '{sad,NULL}', 'NaN', 12300`,
  `'4713-01-01 BC', '{-infinity}', '{}', '{}', '{}', '23:59:59+00', '', '{}', '{}', '{}', '', '', '{}', '1.5', 0`,
  `null, null, null, null, null, null, null, null, null, null, null, null, null, 'NaN', null`,
];

function insertHardRows(firstId: number): string {
  return HARD_ROWS.map((row, i) => `insert into hard values (${firstId + i}, ${row})`).join(';');
}

describe('slotline.values.corrections', () => {
  it('all: a snapshot and the stream publish the same bytes', async () => {
    await using source = await makeSource(
      `create type mood as enum ('sad'); create table hard (id int primary key, ${COLUMNS}); ${insertHardRows(1)}`,
    );
    await using slotline = await startStreaming(source.config({ 'slotline.values.corrections': 'all' }));
    await source.client.query(insertHardRows(11));
    const { bootstrapServers } = sharedKafka();
    const events = await readEvents(bootstrapServers, `${source.name}.public.hard`, (all) => all.length === 2 * HARD_ROWS.length);
    await slotline.stop();
    const rows = events.map((event) => afterBytes(event).replace(/"id":1?(?=\d)/, '"id":'));
    expect(rows.slice(HARD_ROWS.length)).toEqual(rows.slice(0, HARD_ROWS.length));
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({
      ta: [86_400_000_000, 45_000_123_456],
      ttz: '24:00:00Z',
      n: 'nm',
      ia: [1, 2, 3, null],
      xa: ['a', 'b}'],
      ba: ['BQ==', null],
      iv: [1, 2],
      ov: [3, 4_294_967_295],
      m: ['sad', null],
      p: null,
    });
  });

  it('numerics: what stopped the connector passes as null, and nothing is missing', async () => {
    await using source = await makeSource('create table t (id int primary key, p numeric not null)');
    await using refusing = await startStreaming(source.config());
    await source.client.query("insert into t values (1, 1.5); insert into t values (2, 'NaN'); insert into t values (3, 2)");
    const error = await failureOf(refusing, 'value_not_convertible');
    expect(error['message']).toContain('table=public.t');
    expect(error['message']).toContain('column=p');
    expect(error['remedy']).toContain('slotline.values.corrections');
    await using mended = await startStreaming(source.config({ 'slotline.values.corrections': 'numerics' }));
    const { bootstrapServers } = sharedKafka();
    const events = await readEvents(bootstrapServers, `${source.name}.public.t`, (all) => all.some(({ key }) => key?.['id'] === 3));
    await mended.stop();
    const values = new Map(events.map(({ key, value }) => [key?.['id'], value?.after?.['p']]));
    expect([...values.keys()].sort()).toEqual([1, 2, 3]);
    expect(values.get(2)).toBeNull();
  });

  it('toast-placeholders: unchanged vectors of numbers are told from null', async () => {
    await using source = await makeSource(`create table t (id int primary key, f float8[], n numeric not null, small int);
      alter table t alter f set storage external; alter table t alter n set storage external`);
    const config = source.config({ 'slotline.values.corrections': 'toast-placeholders', 'unavailable.value.placeholder': 'gone' });
    await using slotline = await startStreaming(config);
    await source.client.query(
      `insert into t select 1, array_agg(sqrt(g)), ('1' || repeat('7', 9000))::numeric, 1 from generate_series(1, 1000) g`,
    );
    await source.client.query('update t set small = 2');
    const { bootstrapServers } = sharedKafka();
    const events = await readEvents(bootstrapServers, `${source.name}.public.t`, (all) => all.length === 2);
    await slotline.stop();
    const codes = [...Buffer.from('gone')];
    const after = { id: 1, f: codes, n: { scale: 0, value: Buffer.from('gone').toString('base64') }, small: 2 };
    expect(events[1]?.value?.after).toEqual(after);
  });
});
