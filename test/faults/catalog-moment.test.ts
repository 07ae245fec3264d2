/** What the catalog says of a table is read as of the transaction that the stream shows, not of a moment before or, where it has gone, after. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEvents } from '../e2e/topic-events.ts';
import { sharedKafka } from '../harness/shared.ts';
import { countWrong, hold, type MomentScene, openMomentScene, runForced, runNaturally, withoutStandby } from './catalog-moment.ts';
import { WAIT } from './delivery-scene.ts';

const NATURAL = 30;
const FORCED = 3;

let scene: MomentScene;

beforeAll(async () => {
  // Shorter than what a commit is awaited below: status updates go on meanwhile.
  scene = await openMomentScene(18, { bootstrapServers: sharedKafka().bootstrapServers, settings: { wal_sender_timeout: '1s' } });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test('a transaction that changes a table and writes to it is described as it leaves the table', async () => {
  await runNaturally(scene, 1, NATURAL);
  await runForced(scene, NATURAL + 1, FORCED);
  expect(await countWrong(scene, NATURAL + FORCED)).toEqual({ events: NATURAL + FORCED, wrong: [] });
}, 120_000);

test('while it is waited for the stream stays open and SIGTERM ends in order; one that only wrote rows is not waited for', async () => {
  const { bootstrapServers, slotline } = scene;
  await withoutStandby(scene, async (writer) => {
    const changed = await hold(scene, writer, 'begin; alter table keyed add column more int default 5; update keyed set n = -1; commit');
    await slotline.waitFor('catalog.behind', WAIT);
    const { exitCode, tookMs } = await slotline.stop();
    expect({ exitCode, inTime: tookMs <= 10_000 }).toEqual({ exitCode: 0, inTime: true });
    expect(slotline.lines.filter(({ event }) => event === 'attempt.failed')).toEqual([]);
    await changed.release();
    const written = await hold(scene, writer, 'insert into made values (-1, -1)');
    await using again = await scene.restart();
    const isThere = (n: number) => (event: { readonly value: { readonly after: unknown } | null }) =>
      (event.value?.after as { n?: number } | null)?.n === n;
    await readEvents(bootstrapServers, scene.topicOf('made'), (events) => events.some(isThere(-1)));
    const keyed = await readEvents(bootstrapServers, scene.topicOf('keyed'), (events) => events.some(isThere(-1)));
    expect(keyed.find(isThere(-1))?.value?.after).toMatchObject({ more: 5 });
    await written.release();
    expect((await again.stop()).exitCode).toBe(0);
  });
}, 120_000);

test('types and a table that were dropped while the rows waited lose no field, and each is told', async () => {
  await scene.slotline.stop();
  await scene.client.query(`
    create type mood as enum ('ok'); create domain price as int; create type pair as (a int, b text);
    create table worn (id int primary key, mood mood, moods mood[], price price, pair pair);
    create table gone (a int, id int not null, v int); create unique index gone_id on gone (id); alter table gone replica identity using index gone_id;
    insert into worn values (1, 'ok', '{ok}', 7, '(1,x)');
    insert into gone values (1, 2, 3);
    alter table worn drop column mood, drop column moods, drop column price, drop column pair;
    drop type mood; drop domain price; drop type pair; drop table gone`);
  await using slotline = await scene.restart();
  const [worn] = await readEvents(scene.bootstrapServers, scene.topicOf('worn'), (events) => events.length > 0);
  expect(worn?.value?.after).toEqual({ id: 1, mood: 'ok', moods: '{ok}', price: 7, pair: '(1,x)' });
  const [gone] = await readEvents(scene.bootstrapServers, scene.topicOf('gone'), (events) => events.length > 0);
  expect([gone?.key, gone?.value?.after]).toEqual([{ id: 2 }, { a: 1, id: 2, v: 3 }]);
  const told = slotline.lines.filter(({ level }) => level === 'warn').map(({ event, table, column }) => [event, table, column]);
  expect(told).toEqual([
    ...['mood', 'moods', 'price', 'pair'].map((column) => ['relation.type_gone', 'public.worn', column]),
    ['relation.gone', 'public.gone', undefined],
  ]);
  expect((await slotline.stop()).exitCode).toBe(0);
}, 120_000);
