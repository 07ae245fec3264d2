/** slot.drop.on.stop: an orderly stop drops the slot, and ends with exit 0. */
import { expect, test } from 'vitest';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, startStreaming } from '../harness/slotline.ts';
import { readEvents } from './topic-events.ts';

const WAIT = { timeoutMs: 45_000 };

test('the slot is dropped by a stop, with everything in Kafka', async () => {
  const db = await freshDatabase(18);
  const name = uniqueName('drops');
  const { bootstrapServers } = sharedKafka();
  await db.client.query('create table item (id int primary key)');
  await using slotline = await startStreaming(connectorConfig({ ...db, bootstrapServers, name }, { 'slot.drop.on.stop': 'true' }), WAIT);
  await db.client.query('insert into item values (1)');
  await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length >= 1);
  expect((await slotline.stop()).exitCode, slotline.tail()).toBe(0);
  const { rows } = await db.client.query('select slot_name from pg_replication_slots where slot_name = $1', [name]);
  expect(rows).toEqual([]);
  await db.drop();
});
