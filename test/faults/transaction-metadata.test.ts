/**
 * With provide.transaction.metadata and heartbeats on, the delivery rules hold as without: after kill -9 under load nothing is lost, a
 * repetition has the same `transaction` block, and every transaction that was confirmed has its BEGIN and its END.
 */
import type pg from 'pg';
import { expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { sharedKafka, sharedPostgres } from '../harness/shared.ts';
import { startStreaming } from '../harness/slotline.ts';
import { untilInactive } from '../harness/verify.ts';
import { type DeliveryScene, openScene, untilStreaming, WAIT } from './delivery-scene.ts';

const KILLS = 2;
/** The topic is read back whole. */
const GENTLE = { pauseMs: 150 };

type Boundary = {
  readonly status: 'BEGIN' | 'END';
  readonly id: string;
  readonly event_count: number | null;
  readonly data_collections: readonly { readonly data_collection: string; readonly event_count: number }[] | null;
};

async function readBoundaries(bootstrapServers: string, topic: string): Promise<(Boundary & { xid: string })[]> {
  const records = await readTopic(bootstrapServers, topic, { timeoutMs: 60_000 });
  return records.map(({ key, value }) => {
    const boundary: Boundary = JSON.parse(String(value));
    expect(JSON.parse(String(key))).toEqual({ id: boundary.id });
    return { ...boundary, xid: boundary.id.split(':')[0] ?? '' };
  });
}

/** Of every transaction that changed the table, in commit order, as another plugin tells it. */
async function committedXids(client: pg.Client, slot: string): Promise<string[]> {
  const { rows } = await client.query<{ xid: string; data: string }>(
    `select xid::text, data from pg_logical_slot_peek_changes('${slot}', null, null, 'skip-empty-xacts', '1')`,
  );
  const ours = new Set(rows.filter(({ data }) => data.startsWith('table public.load:')).map(({ xid }) => xid));
  return rows.filter(({ xid, data }) => data.startsWith('COMMIT') && ours.has(xid)).map(({ xid }) => xid);
}

async function killUnderLoad(scene: DeliveryScene): Promise<void> {
  const slotline = await startStreaming(scene.config, WAIT);
  try {
    await untilStreaming(slotline);
    const told = (): number => slotline.lines.filter(({ event }) => event === 'lsn.confirmed').length;
    const from = told();
    await slotline.waitFor(() => told() > from + 3, WAIT);
  } finally {
    await slotline.kill();
  }
  await untilInactive(await scene.client(), scene.name);
}

test('D2 D4 D5: after kill -9 every transaction has its events, its BEGIN and its END, and repetitions the same counts', async () => {
  const { bootstrapServers } = sharedKafka();
  await using scene = await openScene(sharedPostgres(18), bootstrapServers, {
    'provide.transaction.metadata': 'true',
    'heartbeat.interval.ms': '20',
    'heartbeat.action.query': 'update load set version = version where false',
  });
  await using first = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad(GENTLE);
  try {
    await untilStreaming(first);
    await first.kill();
    await untilInactive(await scene.client(), scene.name);
    for (let kill = 0; kill < KILLS; kill++) await killUnderLoad(scene);
  } finally {
    await load.stop();
  }
  await using _last = await startStreaming(scene.config, WAIT);
  await scene.untilAllConfirmed();

  // Its comparison of repetitions includes the transaction block.
  const report = await scene.verify(first);
  expect(report.runIds.length).toBeGreaterThan(1);
  const boundaries = await readBoundaries(bootstrapServers, `${scene.name}.transaction`);
  checkPairs(boundaries);
  const streamed = new Map<string, Set<string>>();
  for (const { xid, kind, lsn, key } of report.events) {
    if (kind === 'r' || kind === 'tombstone') continue;
    const events = streamed.get(String(xid)) ?? new Set();
    streamed.set(String(xid), events.add(`${lsn} ${kind} ${key}`));
  }
  for (const { xid, status, event_count, data_collections } of boundaries) {
    if (status === 'BEGIN') continue;
    const count = streamed.get(xid)?.size ?? 0;
    expect({ xid, event_count, data_collections }).toEqual({
      xid,
      event_count: count,
      data_collections: count === 0 ? [] : [{ data_collection: 'public.load', event_count: count }],
    });
  }
  const ended = new Set(boundaries.filter(({ status }) => status === 'END').map(({ xid }) => xid));
  const committed = (await committedXids(await scene.client(), `${scene.name}_truth`)).filter((xid) => streamed.has(xid));
  expect(committed.filter((xid) => !ended.has(xid))).toEqual([]);
  // First appearances are in commit order: a hole would put a transaction behind a later one.
  expect([...ended].filter((xid) => streamed.has(xid))).toEqual(committed);
}, 180_000);

/** A run that was killed leaves a BEGIN without END; nothing else stands alone. */
function checkPairs(boundaries: readonly { status: string; xid: string }[]): void {
  for (const [index, { status, xid }] of boundaries.entries()) {
    const before = boundaries[index - 1];
    if (status === 'END' && (before?.status !== 'BEGIN' || before.xid !== xid)) throw new Error(`END of ${xid} without its BEGIN`);
  }
  const cut = boundaries.filter(({ status }, index) => status === 'BEGIN' && boundaries[index + 1]?.status === 'BEGIN');
  expect(cut.length).toBeLessThanOrEqual(KILLS + 1);
}
