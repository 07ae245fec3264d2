/** heartbeat.action.query on a real server: its errors, its session, its end. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { type FreshDatabase, freshDatabase } from '../../../test/harness/shared.ts';
import { until } from '../../../test/harness/until.ts';
import { type LogFields, SILENT_LOG } from '../../core/log.ts';
import { openSession } from '../../postgres/session/open-session.ts';
import { HeartbeatAction } from './heartbeat-action.ts';

const WAIT = { timeoutMs: 10_000 };
const APPLICATION = 'Heartbeat Test';

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase(18);
});
afterAll(() => db.drop());

function setUp(sql: string) {
  const warnings: LogFields[] = [];
  const action = new HeartbeatAction({
    sql,
    open: (signal) => openSession(databaseOptions(db.server, db.database), { applicationName: APPLICATION, signal }),
    timeoutMs: 5_000,
    log: { ...SILENT_LOG, warn: (event, fields) => warnings.push({ event, ...fields }) },
    signal: new AbortController().signal,
  });
  return { action, warnings, [Symbol.asyncDispose]: () => action.close() };
}

async function rows(table: string): Promise<number> {
  const found = await db.client.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return found.rows[0]?.count ?? 0;
}

async function backends(): Promise<{ pid: number; state: string; waits: boolean }[]> {
  const found = await db.client.query<{ pid: number; state: string; waits: boolean }>(
    `select pid, state, wait_event_type = 'Lock' as waits from pg_stat_activity where application_name = $1 and datname = $2`,
    [APPLICATION, db.database],
  );
  return found.rows;
}

describe('heartbeat.action.query', () => {
  beforeEach(async () => {
    await db.client.query('drop table if exists beat; create table beat (id int generated always as identity, n int)');
  });

  it('runs several statements in one transaction, and each time again', async () => {
    await using scene = setUp('insert into beat (n) values (1); insert into beat (n) values (2)');
    scene.action.run();
    await until('two rows', async () => (await rows('beat')) === 2, WAIT);
    const { rows: xids } = await db.client.query('select distinct xmin::text from beat');
    expect(xids).toHaveLength(1);
    await until(
      'four rows',
      async () => {
        scene.action.run();
        return (await rows('beat')) >= 4;
      },
      WAIT,
    );
    expect(scene.warnings).toEqual([]);
  });

  it('that fails is told once and tried again until it works', async () => {
    await db.client.query('drop table beat');
    await using scene = setUp('begin; insert into beat (n) values (1); commit');
    const beatUntil = (what: string, done: () => Promise<boolean>): Promise<boolean> =>
      until(
        what,
        async () => {
          scene.action.run();
          return await done();
        },
        WAIT,
      );
    await beatUntil('it has failed', async () => scene.warnings.length > 0);
    for (let i = 0; i < 5; i++) await beatUntil('it runs again', async () => (await backends()).some(({ state }) => state === 'idle'));
    expect(scene.warnings).toEqual([
      { event: 'heartbeat.action_failed', code: 'pg_query_failed', sqlState: '42P01', message: expect.stringContaining('beat') },
    ]);
    await db.client.query('create table beat (n int)');
    await beatUntil('it has worked', async () => (await rows('beat')) > 0);
    expect(scene.warnings).toHaveLength(1);
  });

  it('opens another session when it loses its own', async () => {
    await using scene = setUp('insert into beat (n) values (1)');
    scene.action.run();
    await until('a row', async () => (await rows('beat')) === 1, WAIT);
    await db.client.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${APPLICATION}'`);
    await until(
      'another row',
      async () => {
        scene.action.run();
        return (await rows('beat')) > 1;
      },
      WAIT,
    );
  });

  it('that waits for a lock is not started twice, and close() cancels it', async () => {
    await using scene = setUp('insert into beat (n) values (1)');
    const locker = await db.server.connect(db.database);
    try {
      await locker.query('begin; lock table beat');
      scene.action.run();
      await until('it waits', async () => (await backends()).some(({ waits }) => waits), WAIT);
      scene.action.run();
      scene.action.run();
      expect(await backends()).toHaveLength(1);
      await scene.action.close();
      await until('its session is gone', async () => (await backends()).length === 0, WAIT);
    } finally {
      await locker.end();
    }
    expect(await rows('beat')).toBe(0);
    expect(scene.warnings).toEqual([]);
  });
});
