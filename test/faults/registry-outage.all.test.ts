/**
 * A schema registry that is away for longer than one attempt waits for it, one that is not there when the program starts, and one that
 * comes back without its data.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readTopic } from '../harness/consume.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { type RegistryServer, startRegistry } from '../harness/registry.ts';
import { sharedKafka } from '../harness/shared.ts';
import { startSlotline, startStreaming } from '../harness/slotline.ts';
import { openScene, untilStreaming, WAIT } from './delivery-scene.ts';
import { attempts, avroConfig, avroReader, retryCodes, untilConfirmedMore, walsender } from './registry-outage.ts';

const WAL_SENDER_TIMEOUT_MS = 8_000;
const START_MS = 150_000;
const TEST_MS = 240_000;
const LONG_WAIT = { timeoutMs: 90_000 };
const { bootstrapServers } = sharedKafka();

let server: PostgresServer;
let registry: RegistryServer;

beforeAll(async () => {
  [server, registry] = await Promise.all([
    startPostgres({ major: 18, settings: { wal_sender_timeout: `${WAL_SENDER_TIMEOUT_MS}ms` } }),
    startRegistry({ keepsData: true }),
  ]);
}, START_MS);
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  // A test that failed may have left it stopped.
  await registry.stop();
  await registry.start();
}, START_MS);

test('away for longer than an attempt waits: the next one goes on where the last was confirmed', { timeout: TEST_MS }, async () => {
  await using scene = await openScene(server, bootstrapServers, avroConfig(registry));
  await using slotline = await startStreaming(scene.config, WAIT);
  const load = await scene.startLoad({ pauseMs: 100 });
  await untilStreaming(slotline);
  const client = await scene.client();
  await registry.stop();
  await client.query('alter table load add column extra int default 7');
  await slotline.waitFor((line) => line.event === 'connector.retrying' && line['code'] === 'registry_unreachable', LONG_WAIT);
  const ended = slotline.lines.length;
  // The next attempt holds the slot too, and ends in its turn.
  await slotline.waitFor('stream.started', { ...LONG_WAIT, from: ended });
  await slotline.waitFor('registry.retry', { ...LONG_WAIT, from: ended });
  expect((await walsender(client, scene.name)).silentMs).toBeLessThan(WAL_SENDER_TIMEOUT_MS);
  await slotline.waitFor('task.ended', { ...LONG_WAIT, from: ended });
  await registry.start();
  await slotline.waitFor('lsn.confirmed', { ...LONG_WAIT, from: slotline.lines.length });
  await untilConfirmedMore(client, scene.name);
  await load.stop();
  await scene.untilAllConfirmed(LONG_WAIT);
  const reader = avroReader(registry, 'extra');
  const report = await scene.verify(slotline, reader.toJson);
  expect(report.runIds).toHaveLength(1);
  expect(attempts(slotline)).toBeGreaterThanOrEqual(3);
  expect(new Set(retryCodes(slotline))).toEqual(new Set(['registry_unreachable']));
  expect(reader.rowsWith('extra')).toBeGreaterThan(10);
  // One attempt at a time: each begins behind the end of the one before.
  const turns = slotline.lines.map(({ event }) => event).filter((event) => event === 'task.start' || event === 'task.ended');
  expect(turns.filter((event, index) => event !== (index % 2 === 0 ? 'task.start' : 'task.ended'))).toEqual([]);
  expect((await slotline.stop()).exitCode).toBe(0);
});

test('not there at the start: it is waited for, and the snapshot and what follows arrive', { timeout: TEST_MS }, async () => {
  await using scene = await openScene(server, bootstrapServers, avroConfig(registry));
  await registry.stop();
  await using slotline = startSlotline(scene.config);
  await slotline.waitFor('registry.retry', LONG_WAIT);
  const load = await scene.startLoad({ pauseMs: 100 });
  await slotline.waitFor((line) => line.event === 'connector.retrying' && line['code'] === 'registry_unreachable', LONG_WAIT);
  await registry.start();
  await slotline.waitFor('stream.started', LONG_WAIT);
  await untilStreaming(slotline);
  await load.stop();
  await scene.untilAllConfirmed(LONG_WAIT);
  const reader = avroReader(registry, 'extra');
  const events = await readTopic(bootstrapServers, scene.topic);
  const decoded = await Promise.all(events.map(reader.toJson));
  expect(decoded.length).toBeGreaterThan(20);
  expect((await slotline.stop()).exitCode).toBe(0);
});

test('back without its data: the loss is told, and every schema is registered again', { timeout: TEST_MS }, async () => {
  await using scene = await openScene(server, bootstrapServers, avroConfig(registry));
  await using slotline = await startStreaming(scene.config, WAIT);
  await untilStreaming(slotline);
  await scene.untilAllConfirmed();
  await registry.stop();
  await registry.forget();
  const client = await scene.client();
  await client.query('alter table load add column extra int default 7');
  await client.query("insert into load values (77, nextval('versions'), 'new shape')");
  await slotline.waitFor('registry.retry', WAIT);
  await registry.start();
  await slotline.waitFor((line) => line.event === 'connector.retrying' && line['code'] === 'registry_data_lost', LONG_WAIT);
  await slotline.waitFor('stream.started', { ...LONG_WAIT, from: slotline.lines.length });
  await scene.untilAllConfirmed(LONG_WAIT);
  const reader = avroReader(registry, 'extra');
  const records = await readTopic(bootstrapServers, scene.topic);
  const newShape = records.slice(-2);
  expect((await Promise.all(newShape.map(reader.toJson))).map(({ key }) => String(key))).toEqual(['{"id":77}', '{"id":0}']);
  expect(reader.rowsWith('extra')).toBe(2);
  expect((await slotline.stop()).exitCode).toBe(0);
});
