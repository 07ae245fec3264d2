/** `check`, a start, health and status say one thing of one situation. The longer table is agreement.all.test.ts. */
import { describe, expect, test } from 'vitest';
import { CHECK_DEPS, runCheck } from '../../src/cli/check/check.ts';
import { runStatus } from '../../src/cli/status.ts';
import type { ResolvedOptions } from '../../src/core/options.ts';
import type { KafkaClient } from '../../src/kafka/client.ts';
import type { ConnectorConfig } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { startTcpProxy } from '../harness/tcp-proxy.ts';
import { until } from '../harness/until.ts';
import {
  confirmed,
  expectAgreement,
  placeOf,
  readingBeside,
  resolved,
  type Situation,
  startAttempt,
  streamOnce,
  tellingCluster,
  untilWaiting,
} from './agreement.ts';

const PARTED = `create table parted (id int primary key) partition by range (id);
  create table parted_low partition of parted for values from (0) to (10); insert into parted values (1)`;

const SITUATIONS: readonly Situation[] = [
  {
    what: 'the slot is gone, and the snapshot is remembered',
    prepare: async (place) => {
      await streamOnce(place);
      await dropSlot(place.fresh.client, place.name);
    },
    refused: 'slot_missing',
  },
  {
    what: 'a partitioned table alone in the list, changes under the names of its partitions',
    tables: PARTED,
    config: { 'table.include.list': 'public.parted' },
    refused: 'partitions_not_captured',
  },
  {
    what: 'the same, and loss is allowed',
    tables: PARTED,
    config: { 'table.include.list': 'public.parted', 'slotline.allow.loss': 'true' },
    warned: ['tables.partitions'],
  },
  {
    what: 'the same, under the name of the root',
    tables: PARTED,
    config: { 'table.include.list': 'public.parted', 'publish.via.partition.root': 'true' },
  },
  {
    what: 'a partition alone in the list, changes under the name of its root',
    tables: `${PARTED}; create publication NAME for all tables with (publish_via_partition_root = true)`,
    config: { 'table.include.list': 'public.parted_low', 'publication.autocreate.mode': 'disabled' },
    refused: 'partitions_not_captured',
  },
  {
    what: 'a table left the publication while nothing ran',
    prepare: async (place) => {
      await streamOnce(place);
      await place.fresh.client.query(`alter publication ${place.name} drop table item; insert into item values (1, 'missed')`);
    },
    refused: 'source_changed',
  },
  {
    what: 'a table was made and filled while nothing ran, and joins the publication at the start',
    config: { 'table.include.list': 'public.item,public.late' },
    prepare: async (place) => {
      await streamOnce(place);
      await place.fresh.client.query("create table late (id int primary key, v text); insert into late values (1, 'missed')");
    },
    warned: ['postgres.source'],
  },
  {
    what: 'a table with rows took the name of another while nothing ran, and joins the publication at the start',
    config: { 'table.include.list': 'public.item' },
    prepare: async (place) => {
      await streamOnce(place);
      await place.fresh.client.query('alter table item rename to item_old; create table item (id int primary key, v text)');
      await place.fresh.client.query("insert into item values (1, 'missed')");
    },
    refused: 'source_changed',
  },
  {
    what: 'another connector runs on the slot, and another offset topic has its record',
    prepare: async ({ name, fresh }) => {
      await fresh.client.query("select pg_advisory_lock_shared(hashtext('slotline turn ' || $1), hashtext('another connector'))", [name]);
    },
    refused: 'slot_in_use',
  },
  {
    what: 'the topic of offsets wants more replicas than there are brokers',
    config: { 'offset.storage.replication.factor': '3' },
    refused: 'kafka_topic_invalid',
  },
  {
    what: 'topics that would be made compacted, and a table without a key',
    tables: "create table keyless (v text); insert into keyless values ('x')",
    config: { 'table.include.list': 'public.keyless', 'topic.creation.default.cleanup.policy': 'compact' },
    refused: 'kafka_record_invalid',
  },
  {
    what: 'tables that the publication would make unwritable, captured or not',
    tables: 'create table keyless (v text); create table stranger (v text)',
    config: { 'table.include.list': 'public.keyless', 'publication.autocreate.mode': 'all_tables' },
    warned: ['postgres.publication_blocks_writes', 'tables.keys', 'tables.replica_identity'],
  },
  {
    what: 'a slot that somebody made before the publication',
    config: { 'snapshot.mode': 'no_data', 'slotline.source.changed.action': 'warn' },
    prepare: async ({ fresh, name }) => {
      await fresh.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
      await fresh.client.query("insert into item values (1, 'never sent')");
    },
    warned: ['postgres.publication_age'],
  },
  {
    what: 'the same, and the publication was made since',
    config: { 'snapshot.mode': 'no_data', 'slotline.source.changed.action': 'warn' },
    prepare: async ({ fresh, name }) => {
      await fresh.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
      await fresh.client.query("insert into item values (1, 'never sent')");
      await fresh.client.query(`create publication ${name} for table item`);
    },
    warned: ['postgres.publication_age'],
  },
];

describe('check and a start agree', () => {
  for (const situation of SITUATIONS) test(situation.what, () => expectAgreement(situation));

  test('the tables that become unwritable are told before the publication is made', async () => {
    const place = await placeOf({ tables: 'create table stranger (v text)', config: { 'publication.autocreate.mode': 'all_tables' } });
    try {
      const run = startAttempt(resolved(place.config));
      expect(await run.outcome).toBeUndefined();
      const events = run.lines.map(({ event }) => event);
      expect(events.indexOf('publication.blocks_writes')).toBeGreaterThan(-1);
      expect(events.indexOf('publication.blocks_writes')).toBeLessThan(events.indexOf('publication.ensured'));
      const line = run.lines.find(({ event }) => event === 'publication.blocks_writes');
      expect(line?.fields).toMatchObject({
        where: 'public.stranger',
        tables: 1,
        notCaptured: 1,
        sql: [expect.stringContaining('replica identity full')],
      });
      await run.stop();
    } finally {
      await place.fresh.drop();
    }
  });

  test('beside a connector that goes on meanwhile, check sees no gap and no other history', async () => {
    const place = await placeOf({});
    const run = startAttempt(resolved(place.config));
    await using proxy = await startTcpProxy(place.fresh.server);
    try {
      expect(await run.outcome).toBeUndefined();
      let id = 0;
      // A position that moves right before and right behind the moment at which it is read.
      const kafka = (options: Pick<ResolvedOptions, 'kafka'>): KafkaClient =>
        readingBeside(options, async () => {
          await place.fresh.client.query('insert into item values ($1)', [++id]);
          await confirmed(place);
        });
      const options = resolved({ ...place.config, 'database.hostname': proxy.host, 'database.port': String(proxy.port) });
      proxy.limitNext('Slotline Check', 'up', 0);
      const asked = Promise.withResolvers<void>();
      const report = runCheck(options, { ...CHECK_DEPS, kafka: (o) => tellingCluster(kafka(o), asked.resolve) });
      await asked.promise;
      const held = await until('the login is held', async () => proxy.find('Slotline Check'), { timeoutMs: 10_000 });
      held.release('up');
      expect((await report).items.filter(({ status }) => status === 'fail')).toEqual([]);
      expect(id).toBeGreaterThan(1);
    } finally {
      await run.stop();
      await place.fresh.drop();
    }
  });

  test('before version 18 a slot that is older than its publication is told of before the stream ends there', async () => {
    const place = await placeOf({ config: { 'snapshot.mode': 'no_data' } }, 14);
    try {
      await place.fresh.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
      await place.fresh.client.query("insert into item values (1, 'never sent')");
      const options = resolved(place.config);
      const report = await runCheck(options, CHECK_DEPS);
      expect(report.items).toContainEqual(
        expect.objectContaining({ check: 'postgres.publication_age', status: 'warn', what: expect.stringContaining('publication_gap') }),
      );
      await dropSlot(place.fresh.client, place.name);
      await place.fresh.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
      await place.fresh.client.query(`create publication ${place.name} for table item`);
      await streamOnce(place);
      const after = await runCheck(options, CHECK_DEPS);
      expect(after.items.map(({ check }) => check)).not.toContain('postgres.publication_age');
    } finally {
      await place.fresh.drop();
    }
  });

  const waits: readonly (readonly [string, { readonly existing?: true; readonly config?: ConnectorConfig }])[] = [
    ['a new slot', {}],
    ['a snapshot beside a slot', { existing: true }],
    ['a slot without a snapshot', { config: { 'snapshot.mode': 'no_data' } }],
  ];
  test.each(waits)('%s that waits for an open transaction is told with its process by log, health and status', async (_, o) => {
    const place = await placeOf(o.config === undefined ? {} : { config: o.config });
    const other = await place.fresh.server.connect(place.fresh.database);
    try {
      if (o.existing) await place.fresh.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
      await other.query(`set application_name = 'the batch job'; begin; insert into item values (1, 'secret-7')`);
      const { rows } = await other.query<{ pid: number; xid: string }>('select pg_backend_pid() as pid, pg_current_xact_id()::text as xid');
      const { pid, xid } = rows[0] ?? { pid: 0, xid: '' };
      const options = resolved(place.config);
      const run = startAttempt(options);
      const { reasons } = await untilWaiting(run);
      expect(reasons).toMatchObject([
        {
          waitingFor: 'slot',
          code: 'slot_creation_waits',
          message: expect.stringContaining(`transaction ${xid} of pid ${pid} (the batch job,`),
        },
      ]);
      const lines: string[] = [];
      const deps = { write: (text: string) => lines.push(text), stop: new AbortController().signal };
      expect(await runStatus([options], { watch: false, intervalMs: 10, json: true }, deps)).toBe(0);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        state: 'creating',
        blockedBy: [pid],
        waitingFor: expect.stringContaining(`pid ${pid}`),
      });
      const told = run.lines.filter(({ event }) => event === 'server.waiting');
      expect(told).toMatchObject([{ level: 'warn', fields: { xid, blockedBy: [String(pid)] } }]);
      expect(JSON.stringify([lines, run.lines, reasons])).not.toContain('secret-7');
      await other.query('rollback');
      expect(await run.outcome).toBeUndefined();
      await until('nothing is waited for', async () => run.health().reasons.length === 0, { timeoutMs: 10_000 });
      await run.stop();
    } finally {
      await other.end();
      await place.fresh.drop();
    }
  });
});
