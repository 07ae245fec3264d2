/**
 * D2: what is confirmed is a commit's end LSN, exactly. Two commits may be adjacent: the record of the second starts at the very byte
 * where the first ends, and the server skips commits that start before the confirmed position. One more than the end of the first, and
 * the second would never be sent.
 */
import type pg from 'pg';
import { expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { startPostgres } from '../harness/postgres.ts';
import { sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, startStreaming } from '../harness/slotline.ts';
import { startTcpProxy } from '../harness/tcp-proxy.ts';
import { until } from '../harness/until.ts';
import { confirmedLsn, untilInactive } from '../harness/verify.ts';

type CommitPlace = { readonly startLsn: bigint; readonly endLsn: bigint };

/** Commits of a slot that are not yet confirmed, from pgoutput's own Begin (final LSN: the record's start) and Commit (end LSN). */
async function peekCommits(client: pg.Client, slot: string, publication: string): Promise<CommitPlace[]> {
  const { rows } = await client.query<{ data: Buffer }>(
    `select data from pg_logical_slot_peek_binary_changes('${slot}', null, null, 'proto_version', '1', 'publication_names', '${publication}')
      where get_byte(data, 0) = ascii('C')`,
  );
  return rows.map(({ data }) => ({ startLsn: data.readBigUInt64BE(2), endLsn: data.readBigUInt64BE(10) }));
}

/** Inserts into both sessions and commits back to back, until the commits are adjacent. */
async function commitAdjacently(sessions: readonly [pg.Client, pg.Client], peek: () => Promise<CommitPlace[]>): Promise<CommitPlace> {
  const [first, second] = sessions;
  for (let id = 1; id < 100; id += 2) {
    await first.query('begin');
    await second.query('begin');
    await first.query(`insert into t values (${id}, 'first')`);
    await second.query(`insert into t values (${id + 1}, 'second')`);
    await Promise.all([first.query('commit'), second.query('commit')]);
    const [one, other] = (await peek()).slice(-2);
    if (one !== undefined && one.endLsn === other?.startLsn) return one;
  }
  throw new Error('No two commits were adjacent');
}

test('D2: of two adjacent commits the second arrives after a kill -9 that follows the confirmation of the first', async () => {
  const { bootstrapServers } = sharedKafka();
  await using server = await startPostgres({ major: 18 });
  await using proxy = await startTcpProxy(server);
  const name = uniqueName('adjacent');
  const client = await server.connect('postgres');
  await client.query('create table t (id int primary key, note text)');
  const config = connectorConfig({ server, database: 'postgres', bootstrapServers, name });
  await using slotline = await startStreaming({ ...config, 'database.port': String(proxy.port) });
  await client.query(`select pg_create_logical_replication_slot('peek', 'pgoutput')`);

  // The program gets nothing until both have committed, and then up to the end of the first commit only.
  const connection = proxy.find('Slotline Streaming');
  if (connection === undefined) throw new Error('no streaming connection');
  connection.hold('down');
  const sessions = [await server.connect('postgres'), await server.connect('postgres')] as const;
  const first = await commitAdjacently(sessions, () => peekCommits(client, 'peek', name));
  const frame = Buffer.alloc(18);
  frame[0] = 'C'.charCodeAt(0);
  frame.writeBigUInt64BE(first.startLsn, 2);
  frame.writeBigUInt64BE(first.endLsn, 10);
  const commitTimeBytes = 8;
  const byteCount = await until(
    'the first commit is on its way',
    async () => {
      const at = connection.held('down').indexOf(frame);
      return at >= 0 && at + frame.length + commitTimeBytes;
    },
    { timeoutMs: 10_000 },
  );
  connection.forward('down', byteCount);
  await until('the first commit is confirmed', async () => (await confirmedLsn(client, name)) >= Number(first.endLsn), {
    timeoutMs: 10_000,
  });
  await slotline.kill();
  const confirmed = await untilInactive(client, name);

  await using successor = await startStreaming(config);
  const table = await client.query<{ id: number }>('select id from t order by id');
  const records = await readTopic(bootstrapServers, `${name}.public.t`, {
    until: (all) => new Set(all.map(({ key }) => String(key))).size >= table.rows.length,
    timeoutMs: 15_000,
  });
  expect(records.map(({ key }) => String(key)).toSorted()).toEqual(table.rows.map(({ id }) => JSON.stringify({ id })).toSorted());
  expect(confirmed).toBe(Number(first.endLsn));
  await successor.stop();
  await Promise.all([client, ...sessions].map((each) => each.end()));
});
