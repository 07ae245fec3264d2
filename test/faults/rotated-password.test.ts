/** A password that is rotated in its file while the program runs: the next connection logs in with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEvents } from '../e2e/topic-events.ts';
import { removeTemporaryFolder, temporaryFolder } from '../harness/process.ts';
import { freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, startStreaming } from '../harness/slotline.ts';

const WAIT = { timeoutMs: 45_000 };

it('goes on with the password that its file holds now, after the old one was taken away', async () => {
  const { bootstrapServers } = sharedKafka();
  const db = await freshDatabase(18);
  const folder = temporaryFolder('secret');
  const name = uniqueName('rot');
  const { client } = db;
  try {
    await client.query(`create table item (id int primary key); create role ${name} login superuser password 'first'`);
    const file = join(folder, 'password');
    writeFileSync(file, 'first\n');
    const config = connectorConfig({ ...db, bootstrapServers, name }, { 'database.user': name, 'database.password': `\${file:${file}}` });
    await using slotline = await startStreaming(config, WAIT);
    const from = slotline.lines.length;
    await client.query(`alter role ${name} password 'second'`);
    writeFileSync(file, 'second\n');
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${name}'`);
    await slotline.waitFor('stream.started', { ...WAIT, from });
    await client.query('insert into item values (1)');
    await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length > 0);
    expect(JSON.stringify(slotline.lines)).not.toMatch(/pg_authentication_failed|second/);
    expect((await slotline.stop()).exitCode).toBe(0);
  } finally {
    await db.drop();
    await db.server.query('postgres', `drop role if exists ${name}`);
    await removeTemporaryFolder(folder);
  }
});
