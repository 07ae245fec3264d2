/** The long table of situations in which `check` and a start have to say one thing: every way to begin, every refusal, rights. */
import { Kafka, logLevel } from 'kafkajs';
import { describe, test } from 'vitest';
import { sharedKafka } from '../harness/shared.ts';
import { dropSlot } from '../harness/slots.ts';
import { expectAgreement, type Place, type Situation, streamOnce } from './agreement.ts';

async function drop({ fresh, name }: Place): Promise<void> {
  await dropSlot(fresh.client, name);
}

const MODES = ['initial', 'always', 'initial_only', 'no_data', 'when_needed'] as const;

/** snapshot.mode, whether a snapshot is remembered, whether the slot is there. */
const BEGINNINGS: readonly Situation[] = MODES.flatMap((mode) =>
  [false, true].flatMap((remembered) =>
    [false, true].map((slot): Situation => {
      const refuses = remembered && !slot && (mode === 'initial' || mode === 'no_data');
      return {
        what: `${mode}, ${remembered ? 'a snapshot' : 'nothing'} is remembered, the slot is ${slot ? 'there' : 'missing'}`,
        config: { 'snapshot.mode': mode },
        prepare: async (place) => {
          if (remembered) await streamOnce(place);
          if (remembered && !slot) await drop(place);
          const made =
            "select pg_create_logical_replication_slot($1, 'pgoutput') where not exists (select from pg_replication_slots where slot_name = $1)";
          if (slot) await place.fresh.client.query(made, [place.name]);
        },
        ...(refuses ? { refused: 'slot_missing' } : {}),
      };
    }),
  ),
);

const ALL_TABLES = { 'publication.autocreate.mode': 'all_tables' };
const PUBLICATIONS: readonly Situation[] = [
  { what: 'disabled, and no publication', config: { 'publication.autocreate.mode': 'disabled' }, refused: 'publication_missing' },
  { what: 'filtered, and one for all tables', tables: 'create publication NAME for all tables', refused: 'publication_unsuitable' },
  {
    what: 'a table that is named and not published',
    tables: 'create publication NAME',
    config: ALL_TABLES,
    refused: 'publication_incomplete',
  },
  {
    what: 'no_tables, and a table that is named',
    config: { 'publication.autocreate.mode': 'no_tables' },
    refused: 'publication_incomplete',
  },
  {
    what: 'not published, and none is named',
    tables: 'create publication NAME',
    config: { ...ALL_TABLES, 'table.include.list': '' },
    warned: ['postgres.publication'],
  },
  { what: 'filtered, and nothing is captured', config: { 'table.include.list': 'public.itme' }, refused: 'table_none_captured' },
  {
    what: 'all tables, and nothing is captured',
    config: { ...ALL_TABLES, 'table.include.list': 'public.itme' },
    warned: ['tables.captured'],
  },
  {
    what: 'filtered, and it names more',
    tables: 'create table spare (id int primary key); create publication NAME for table item, spare',
    warned: ['postgres.publication_shared'],
  },
  {
    what: 'operations are left out',
    tables: "create publication NAME for table item with (publish = 'insert')",
    warned: ['postgres.publication_operations'],
  },
  { what: 'rows are left out', tables: 'create publication NAME for table item where (id > 5)', warned: ['postgres.publication_filter'] },
];

const NAMES: readonly Situation[] = [
  {
    what: 'more tables than allowed',
    tables: 'create table spare (id int primary key)',
    config: { 'table.include.list': 'public.*', 'guardrail.collections.max': '1', 'guardrail.collections.limit.action': 'fail' },
    refused: 'guardrail_exceeded',
  },
  {
    what: 'more tables than is wise',
    tables: 'create table spare (id int primary key)',
    config: { 'table.include.list': 'public.*', 'guardrail.collections.max': '1' },
    warned: ['tables.guardrail'],
  },
  {
    what: 'two tables of one topic',
    tables: 'create table "a b" (id int primary key); create table "a?b" (id int primary key)',
    config: { 'table.include.list': 'public.*' },
    refused: 'topic_name_collision',
  },
  { what: 'a key column that is not there', config: { 'message.key.columns': 'public.item:absent' }, refused: 'key_column_missing' },
  {
    what: 'two columns of one field',
    tables: 'alter table item add "a b" text, add "a-b" text',
    config: { 'field.name.adjustment.mode': 'avro' },
    refused: 'field_name_collision',
  },
  {
    what: 'entries that match nothing',
    config: { 'table.include.list': 'public.item,public.itme', 'column.exclude.list': 'public.item.absent' },
    warned: ['tables.include', 'tables.columns'],
  },
  {
    what: 'an unlogged table',
    tables: 'create unlogged table fleeting (id int primary key)',
    config: { 'table.include.list': 'public.*' },
    warned: ['tables.unlogged'],
  },
  {
    what: 'a table without identity',
    tables: 'alter table item replica identity nothing',
    warned: ['tables.replica_identity', 'postgres.publication_blocks_writes'],
  },
];

const override = (select: string): Situation['config'] => ({
  'snapshot.select.statement.overrides': 'public.item',
  'snapshot.select.statement.overrides.public.item': select,
});
const SELECTS: readonly Situation[] = [
  { what: 'a SELECT of a table that is not there', config: override('select * from nowhere'), refused: 'select_override_failed' },
  { what: 'a SELECT that gives another column', config: override('select *, 1 as extra from item'), refused: 'select_override_failed' },
  { what: 'a SELECT that is never read', config: { ...override('select * from nowhere'), 'snapshot.mode': 'no_data' } },
  {
    what: 'a heartbeat query that is refused',
    config: { 'heartbeat.interval.ms': '100', 'heartbeat.action.query': 'insert into nowhere values (1)' },
    untilTold: 'heartbeat.action_failed',
    warned: ['heartbeat.action_query'],
  },
  {
    what: 'heartbeat queries that are fine',
    config: { 'heartbeat.interval.ms': '100', 'heartbeat.action.query': "insert into item values (1, 'x') on conflict do nothing" },
  },
  { what: 'a SELECT that reads fewer columns', config: override('select id from item;') },
];

const SLOTS: readonly Situation[] = [
  {
    what: 'a slot of another plugin',
    tables: "select pg_create_logical_replication_slot('NAME', 'test_decoding')",
    refused: 'slot_unsuitable',
  },
  { what: 'a physical slot', tables: "select pg_create_physical_replication_slot('NAME')", restore: drop, refused: 'slot_unsuitable' },
];

/** The role is named as slot and publication are. */
function asRole(what: string, grants: string, rest: Omit<Situation, 'what' | 'tables'>): Situation {
  return {
    what: `a role ${what}`,
    tables: `create role "NAME" login replication password 'secret'; create publication NAME for table item; insert into item values (1, 'x'); ${grants}`,
    ...rest,
    prepare: async (place) => {
      Object.assign(place.config, {
        'database.user': place.name,
        'database.password': 'secret',
        'publication.autocreate.mode': 'disabled',
      });
    },
    restore: async ({ fresh, name }) => {
      await fresh.client.query(`drop owned by "${name}"; drop role "${name}"`);
    },
  };
}
const RIGHTS: readonly Situation[] = [
  asRole('that may not read', '', { refused: 'pg_privilege_missing' }),
  asRole('that may read', 'grant select on item to "NAME"', {}),
  asRole('that may read each column', 'grant select (id, v) on item to "NAME"', {}),
  asRole('that may read one column', 'grant select (id) on item to "NAME"', { refused: 'pg_privilege_missing' }),
  asRole('that need not read', '', { config: { 'snapshot.mode': 'no_data' } }),
  asRole('from which rows are hidden', 'grant select on item to "NAME"; alter table item enable row level security', {
    refused: 'pg_privilege_missing',
  }),
  asRole('that may not replicate', 'alter role "NAME" noreplication; grant select on item to "NAME"', { refused: 'pg_privilege_missing' }),
  asRole('that need not replicate', 'alter role "NAME" noreplication; grant select on item to "NAME"', {
    config: { 'snapshot.mode': 'initial_only' },
  }),
];

const OFFSETS: readonly Situation[] = [
  {
    what: 'a topic of offsets that forgets',
    prepare: async ({ config }) => {
      const admin = new Kafka({ brokers: sharedKafka().bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: config['offset.storage.topic'] ?? '', numPartitions: 1 }], waitForLeaders: true });
      await admin.disconnect();
    },
    refused: 'kafka_topic_invalid',
  },
];

describe('check and a start agree', () => {
  const groups = {
    beginnings: BEGINNINGS,
    publication: PUBLICATIONS,
    names: NAMES,
    selects: SELECTS,
    slot: SLOTS,
    rights: RIGHTS,
    offsets: OFFSETS,
  };
  for (const [group, situations] of Object.entries(groups)) {
    for (const situation of situations) test(`${group}: ${situation.what}`, () => expectAgreement(situation));
  }
});
