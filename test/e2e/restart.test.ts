/** What events look like after a restart of the program: the position that was confirmed goes before them in `sequence`. */
import { expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase, sharedKafka, uniqueName } from '../harness/shared.ts';
import { connectorConfig, startStreaming } from '../harness/slotline.ts';
import { confirmedLsn } from '../harness/verify.ts';
import { readEvents } from './topic-events.ts';

const WAIT = { timeoutMs: 45_000 };

async function disposableDatabase(major: 14 | 18): Promise<FreshDatabase & AsyncDisposable> {
  const db = await freshDatabase(major);
  return { ...db, [Symbol.asyncDispose]: () => db.drop() };
}

it.for([18, 14] as const)('on PostgreSQL %i the first event after a restart follows the confirmed position', async (major) => {
  await using db = await disposableDatabase(major);
  const name = uniqueName('again');
  const { bootstrapServers } = sharedKafka();
  await db.client.query('create table item (id int primary key)');
  const config = connectorConfig({ ...db, bootstrapServers, name });
  const insert = async (id: number): Promise<void> => {
    await db.client.query('insert into item values ($1)', [id]);
    await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length >= id);
  };
  {
    await using first = await startStreaming(config, WAIT);
    await insert(1);
    expect((await first.stop()).exitCode).toBe(0);
  }
  const confirmed = await confirmedLsn(db.client, name);
  await using second = await startStreaming(config, WAIT);
  await insert(2);
  await second.stop();
  const events = await readEvents(bootstrapServers, `${name}.public.item`, (all) => all.length >= 2);
  const sequences = events.map(({ text }) => /"sequence":"(\[.*?\])"/.exec(text)?.[1]?.replaceAll('\\"', '"') ?? '[]');
  const [[before], [after, own]] = sequences.map((text): (string | null)[] => JSON.parse(text)) as [[null], [string, string]];
  expect(before).toBeNull();
  expect(Number(after)).toBe(confirmed);
  expect(Number(own)).toBeGreaterThanOrEqual(confirmed);
});
