/** What belongs to an attempt ends with it: attempts that fail leave no listener behind. A thousand, with memory: the .all file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../harness/process.ts';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig } from '../harness/slotline.ts';
import { runAttempts } from './attempts-memory.ts';

const runsLong = process.env['SLOTLINE_TEST_ALL'] === '1';

test('attempts that reached the stream and failed leave nothing behind, and a stop in between is at once', async () => {
  const db = await freshDatabase(18);
  const { server, database, client } = db;
  const name = uniqueName('attempts');
  await client.query('create table item (id int primary key); insert into item values (1)');
  const file = join(temporaryFolder('attempts'), 'connector.json');
  writeFileSync(file, JSON.stringify(connectorConfig({ server, database, bootstrapServers: sharedKafka().bootstrapServers, name })));
  const sql = `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '${name}' and active`;
  const report = await runAttempts(file, runsLong ? 1_000 : 40, () => client.query(sql));
  console.log(`[attempts] ${JSON.stringify(report)}`);
  await db.drop();
  expect(report.error).toBeUndefined();
  expect(report.listeners[1]).toBe(report.listeners[0]);
  expect(report.stopMs).toBeLessThan(5_000);
  if (runsLong) expect(report.heapMb[1] - report.heapMb[0]).toBeLessThan(15);
}, 900_000);
