/**
 * The decoder against frames of a real server: every prefix of every frame is refused, damaged bytes give a message or
 * the named error and nothing else, and an independent parser (pg-logical-replication's) reads the same.
 */
import fc from 'fast-check';
import { PgoutputPlugin } from 'pg-logical-replication';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SlotlineError } from '../../src/core/errors.ts';
import { formatLsn, type Lsn, parseLsn } from '../../src/core/lsn.ts';
import { PgoutputDecoder } from '../../src/pgoutput/decode.ts';
import type { Message } from '../../src/pgoutput/messages.ts';
import { CellKind, type TupleView } from '../../src/pgoutput/tuple.ts';
import { type FreshDatabase, freshDatabase, uniqueName } from '../harness/shared.ts';

/** A failing run is repeated with SLOTLINE_TEST_SEED. */
const SEED = Number(process.env['SLOTLINE_TEST_SEED'] ?? Date.now() % 0x7fff_ffff);

type Frame = { readonly lsn: Lsn; readonly data: Buffer };

const WORKLOAD = [
  "create type mood as enum ('sad', 'ok')",
  'create table plain(id int primary key, note text, feeling mood, big text)',
  'alter table plain alter big set storage external',
  'create table whole(id int primary key, note text, big text)',
  'alter table whole alter big set storage external, replica identity full',
  'create table "Größe ""x""".keyless(a int)',
  'create publication p for all tables',
  "select pg_create_logical_replication_slot('SLOT', 'pgoutput')",
  "insert into plain select g, 'note ' || g, 'ok', repeat('x', 2100) from generate_series(1, 3) g",
  'insert into plain(id) values (9)',
  "update plain set note = 'new' where id = 1",
  'update plain set id = 100 where id = 2',
  'delete from plain where id = 3',
  "insert into whole values (1, '', repeat('y', 2100)), (2, null, null)",
  "update whole set note = 'z' where id = 1",
  'delete from whole where id = 1',
  'insert into "Größe ""x""".keyless values (1)',
  'truncate plain, whole restart identity cascade',
  "select pg_logical_emit_message(true, 'prefix', 'content')",
  "select pg_logical_emit_message(false, '', ''::bytea)",
  "select pg_replication_origin_create('ORIGIN')",
  "select pg_replication_origin_session_setup('ORIGIN')",
  "begin; select pg_replication_origin_xact_setup('0/1234', now()); insert into plain(id) values (50); commit",
  'select pg_replication_origin_session_reset()',
];

async function recordFrames(database: FreshDatabase): Promise<Frame[]> {
  const slot = uniqueName('decode');
  const { client } = database;
  await client.query('create schema "Größe ""x"""');
  for (const sql of WORKLOAD) await client.query(sql.replace('SLOT', slot).replace('ORIGIN', slot));
  const { rows } = await client.query<{ lsn: string; data: Buffer }>(
    `select lsn::text, data from pg_logical_slot_get_binary_changes($1, null, null,
       'proto_version', '1', 'publication_names', 'p', 'messages', 'true')`,
    [slot],
  );
  await client.query('select pg_drop_replication_slot($1)', [slot]);
  await client.query('select pg_replication_origin_drop($1)', [slot]);
  return rows.map((row) => ({ lsn: parseLsn(row.lsn), data: row.data }));
}

function decode(bytes: Buffer, lsn: Lsn): Message {
  return new PgoutputDecoder().decode(bytes, 0, bytes.length, lsn);
}

function cells(tuple: TupleView): (string | null | undefined)[] {
  return Array.from({ length: tuple.count }, (_, i) => {
    if (tuple.kinds[i] === CellKind.null) return null;
    if (tuple.kinds[i] === CellKind.unchanged) return undefined;
    return Buffer.from(tuple.source.subarray(tuple.starts[i], tuple.ends[i])).toString();
  });
}

describe.each([14, 18] as const)('pgoutput of PostgreSQL %i', (major) => {
  let database: FreshDatabase;
  let frames: Frame[] = [];

  beforeAll(async () => {
    console.log(`[seed] decoder ${SEED}`);
    database = await freshDatabase(major);
    frames = await recordFrames(database);
  });
  afterAll(() => database.drop());

  it('has every message of protocol 1', () => {
    const tags = new Set(frames.map((frame) => String.fromCharCode(frame.data[0] ?? 0)));
    expect([...tags].sort().join('')).toBe('BCDIMORTUY');
  });

  it('is refused at every prefix, by name, with tag, offset and LSN', () => {
    for (const { data, lsn } of frames) {
      for (let length = 0; length < data.length; length++) {
        const error = thrownBy(() => decode(data.subarray(0, length), lsn));
        expect(error.code).toBe('pgoutput_malformed');
        expect(error.details).toMatchObject({ lsn: formatLsn(lsn) });
        expect(error.details.offset).toBeLessThanOrEqual(length);
      }
      const longer = Buffer.concat([data, Buffer.from([0])]);
      expect(thrownBy(() => decode(longer, lsn)).details).toMatchObject({ reason: 'bytes left over' });
    }
  });

  it('gives a message or the named error for damaged bytes, never anything else', () => {
    const damage = fc.record({ frame: fc.nat(frames.length - 1), at: fc.nat(), byte: fc.nat(255), more: fc.nat(), value: fc.nat(255) });
    fc.assert(
      fc.property(damage, ({ frame, at, byte, more, value }) => {
        const chosen = frames[frame];
        if (chosen === undefined) return;
        const data = Buffer.from(chosen.data);
        data[at % Math.min(data.length, 200)] = byte;
        data[more % data.length] = value;
        try {
          decode(data, chosen.lsn);
        } catch (error) {
          if (!(error instanceof SlotlineError)) throw error;
          expect(['pgoutput_malformed', 'lsn_out_of_range']).toContain(error.code);
        }
      }),
      { numRuns: 5_000, seed: SEED },
    );
  });

  it('reads as an independent parser does', () => {
    const oracle = new PgoutputPlugin({ protoVersion: 1, publicationNames: ['p'] });
    for (const { data, lsn } of frames) {
      const expected = oracle.parse(data);
      if (expected.tag === 'relation') for (const column of expected.columns) column.parser = (text: string) => text;
      expect(comparable(decode(data, lsn))).toEqual(comparableOracle(expected));
    }
  });
});

function thrownBy(run: () => unknown): SlotlineError {
  try {
    run();
  } catch (error) {
    if (error instanceof SlotlineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function comparable(message: Message): unknown {
  switch (message.tag) {
    case 'begin':
      return { tag: 'begin', lsn: message.finalLsn, xid: message.xid, timeUs: message.commitTimeUs };
    case 'commit':
      return { tag: 'commit', lsn: message.commitLsn, end: message.endLsn, timeUs: message.commitTimeUs };
    case 'origin':
      return { tag: 'origin', lsn: message.commitLsn, name: message.name };
    case 'type':
      return { tag: 'type', oid: message.oid, schema: message.schema, name: message.name };
    case 'relation':
      return { ...message, columns: message.columns.map((column) => ({ ...column })) };
    case 'truncate':
      return { tag: 'truncate', oids: message.relationOids, cascade: message.cascade, restart: message.restartIdentity };
    case 'message':
      return {
        tag: 'message',
        transactional: message.transactional,
        lsn: message.lsn,
        prefix: message.prefix,
        content: Buffer.from(message.content).toString(),
      };
    case 'insert':
      return { tag: 'insert', oid: message.relationOid, after: cells(message.after) };
    case 'update': {
      // The oracle fills unchanged cells from a full old row; here the decoder leaves that to events/envelope.ts.
      const before = message.old === 'none' ? null : cells(message.before);
      const after = cells(message.after).map((cell, i) => (cell === undefined && message.old === 'full' ? before?.[i] : cell));
      return { tag: 'update', oid: message.relationOid, after, full: message.old === 'full' ? before : null };
    }
    case 'delete':
      return { tag: 'delete', oid: message.relationOid, full: message.old === 'full' ? cells(message.before) : null };
  }
}

type OracleMessage = ReturnType<PgoutputPlugin['parse']>;

function comparableOracle(message: OracleMessage): unknown {
  const lsn = (text: string | null): Lsn => parseLsn(text ?? '0/0');
  switch (message.tag) {
    case 'begin':
      return { tag: 'begin', lsn: lsn(message.commitLsn), xid: message.xid, timeUs: micros(message.commitTime) };
    case 'commit':
      return { tag: 'commit', lsn: lsn(message.commitLsn), end: lsn(message.commitEndLsn), timeUs: micros(message.commitTime) };
    case 'origin':
      return { tag: 'origin', lsn: lsn(message.originLsn), name: message.originName };
    case 'type':
      return { tag: 'type', oid: message.typeOid, schema: message.typeSchema, name: message.typeName };
    case 'relation':
      return {
        tag: 'relation',
        oid: message.relationOid,
        schema: message.schema,
        table: message.name,
        replicaIdentity: message.replicaIdentity,
        columns: message.columns.map((column) => ({
          name: column.name,
          typeOid: column.typeOid,
          typmod: column.typeMod,
          inKey: column.flags === 1,
        })),
      };
    case 'truncate':
      return {
        tag: 'truncate',
        oids: message.relations.map((relation) => relation.relationOid),
        cascade: message.cascade,
        restart: message.restartIdentity,
      };
    case 'message':
      return {
        tag: 'message',
        transactional: message.transactional,
        lsn: lsn(message.messageLsn),
        prefix: message.prefix,
        content: Buffer.from(message.content).toString(),
      };
    case 'insert':
      return { tag: 'insert', oid: message.relation.relationOid, after: Object.values(message.new) };
    case 'update':
      return {
        tag: 'update',
        oid: message.relation.relationOid,
        after: Object.values(message.new),
        full: message.old === null ? null : Object.values(message.old),
      };
    case 'delete':
      return {
        tag: 'delete',
        oid: message.relation.relationOid,
        full: message.old === null ? null : Object.values(message.old),
      };
  }
}

/** The oracle gives microseconds since the epoch as a bigint. */
function micros(time: unknown): number {
  return Number(time);
}
