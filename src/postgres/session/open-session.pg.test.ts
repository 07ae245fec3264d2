/** Owns the tests of opening and losing a session, of hostile defaults, and of handing the socket over. */
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { startPostgres } from '../../../test/harness/postgres.ts';
import { type FreshDatabase, freshDatabase, uniqueName } from '../../../test/harness/shared.ts';
import { until } from '../../../test/harness/until.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { DatabaseOptions } from '../../core/options.ts';
import { openSession, type PgSession } from './open-session.ts';

const SECRET = 'a-secret-that-no-error-may-show';
const NAMED = { applicationName: 'connection test' };

async function thrown(promise: Promise<unknown>): Promise<SlotlineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SlotlineError) return error;
  throw new Error(`expected a SlotlineError, got ${error}`);
}

/** Simple query: 'Q' Int32 length, String. */
function queryMessage(sql: string): Buffer {
  const body = Buffer.from(`${sql}\0`);
  const head = Buffer.from([0x51, 0, 0, 0, 0]);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Takes a session over; counts bytes and pauses while told to. */
function taken(session: PgSession) {
  const room = Buffer.alloc(64 * 1024);
  const state = { bytes: 0, tail: '', paused: false, closed: false };
  session.takeOver({
    room: () => room,
    received: (count) => {
      state.bytes += count;
      state.tail = room.subarray(Math.max(0, count - 6), count).toString('latin1');
      return !state.paused;
    },
    onClosed: () => {
      state.closed = true;
    },
  });
  return state;
}

for (const major of [14, 18] as const) {
  describe(`connection to PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let role: string;
    let options: DatabaseOptions;

    beforeAll(async () => {
      fresh = await freshDatabase(major);
      role = uniqueName('r');
      await fresh.client.query(`create role ${role} login password '${SECRET}'`);
      options = databaseOptions(fresh.server, fresh.database, { user: role, password: SECRET });
    });
    afterAll(async () => {
      await fresh?.drop();
      await fresh?.server.query('postgres', `drop role ${role}`);
    });

    it('tells version, encoding, pid and address', async () => {
      await using session = await openSession(options, NAMED);
      expect(session.serverMajor).toBe(major);
      expect(session.parameters.get('server_encoding')).toBe('UTF8');
      expect(await session.query('select pg_backend_pid() as pid')).toEqual([{ pid: session.processId }]);
      const { hostname: host, port, dbname: database, user } = options;
      expect(session.address).toEqual({ host, port, database, user });
      expect(session.encrypted).toBe(false);
    });

    it('connects over a Unix socket', async () => {
      const folder = { hostname: fresh.server.socketDir, password: undefined, sslMode: 'require' } as const;
      await using session = await openSession({ ...options, ...folder }, NAMED);
      expect(await session.query('select inet_client_addr() as address')).toEqual([{ address: null }]);
    });

    const refusals: readonly (readonly [string, Partial<DatabaseOptions>, string])[] = [
      ['a wrong password', { password: `${SECRET}-wrong` }, 'pg_authentication_failed'],
      ['no password', { password: undefined }, 'pg_authentication_failed'],
      ['a role that does not exist', { user: 'no_such_role' }, 'pg_authentication_failed'],
      ['a database that does not exist', { dbname: 'no_such_database' }, 'pg_database_missing'],
      ['a closed port', { port: 1 }, 'pg_unreachable'],
      ['an unknown host', { hostname: 'no-such-host.invalid' }, 'pg_unreachable'],
      ['a socket folder without a socket', { hostname: '/nonexistent' }, 'pg_unreachable'],
    ];
    it.each(refusals)('refuses %s by its code, without the password', async (_what, overrides, code) => {
      const error = await thrown(openSession({ ...options, ...overrides }, NAMED));
      expect(error.code).toBe(code);
      expect(error.details).toMatchObject({ port: overrides.port ?? options.port });
      expect(`${error.message} ${JSON.stringify(error.details)} ${error.stack}`).not.toContain(SECRET);
    });

    it('refuses a replication session to a role without the REPLICATION attribute', async () => {
      const error = await thrown(openSession(options, { ...NAMED, replication: true }));
      expect(error.code).toBe('pg_privilege_missing');
      await fresh.client.query(`alter role ${role} replication`);
      await using session = await openSession(options, { ...NAMED, replication: true });
      expect(await session.simple('IDENTIFY_SYSTEM')).toMatchObject([{ dbname: fresh.database }]);
      await fresh.client.query(`alter role ${role} noreplication`);
    });

    it('gives up on a server that accepts and says nothing, by its own clock or the signal', async () => {
      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const address = silent.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const mute = { ...options, hostname: '127.0.0.1', port, connectTimeoutMs: 200 };
      for (const sslMode of ['disable', 'require'] as const) {
        expect((await thrown(openSession({ ...mute, sslMode }, NAMED))).code).toBe('pg_unreachable');
      }
      const reason = new Error('stopped');
      const aborted = openSession({ ...mute, connectTimeoutMs: 60_000 }, { ...NAMED, signal: AbortSignal.abort(reason) });
      await expect(aborted).rejects.toBe(reason);
      silent.close();
    });

    it('pins what the server prints and how long it waits against role and database defaults', async () => {
      const hostile: Readonly<Record<string, string>> = {
        datestyle: 'German',
        intervalstyle: 'sql_standard',
        timezone: 'Asia/Tokyo',
        bytea_output: 'escape',
        extra_float_digits: '-10',
        client_encoding: 'LATIN1',
        statement_timeout: '1ms',
        lock_timeout: '1ms',
        idle_in_transaction_session_timeout: '1ms',
        default_transaction_read_only: 'on',
        quote_all_identifiers: 'on',
        standard_conforming_strings: 'off',
        default_transaction_isolation: 'serializable',
        idle_session_timeout: '1ms',
        row_security: 'on',
        client_min_messages: 'error',
        // Not shorter: the server's own transaction of the login is under it, which nothing can pin before the version is known.
        ...(major >= 17 ? { transaction_timeout: '300ms' } : {}),
      };
      const target = await freshDatabase(major);
      const settings = Object.entries(hostile);
      for (const [name, value] of settings) await target.client.query(`alter database ${target.database} set ${name} = '${value}'`);
      await target.client.query(`alter role ${role} replication`);
      for (const [name, value] of settings)
        await fresh.client.query(`alter role ${role} in database ${target.database} set ${name} = '${value}'`);
      const hostileOptions = { ...options, dbname: target.database };
      const sql = `select timestamptz '2024-03-01 00:00:00Z' as t, interval '1 day 02:03:04' as i, '\\x00ff'::bytea as b,
        (1/3.0)::float8 as f, 'é€' as s, current_setting('transaction_isolation') as iso, pg_sleep(${major >= 17 ? 0.4 : 0.02})`;
      const expected = {
        t: '2024-03-01 00:00:00+00',
        i: '1 day 02:03:04',
        b: '\\x00ff',
        f: '0.3333333333333333',
        s: 'é€',
        iso: 'read committed',
      };
      for (const replication of [false, true]) {
        await using session = await openSession(hostileOptions, { ...NAMED, replication });
        expect(await session.simple(sql)).toMatchObject([expected]);
        if (!replication) await session.simple('create temporary table writable (id int)');
      }
      await fresh.client.query(`alter role ${role} noreplication`);
      await target.drop();
    });

    it('runs initial statements on SQL sessions, after which the pinned settings still hold', async () => {
      const initialStatements = ["set application_name = 'renamed'", "set timezone = 'Asia/Tokyo'"];
      await using session = await openSession({ ...options, initialStatements }, NAMED);
      expect(await session.simple("select current_setting('application_name') as a, current_setting('timezone') as t")).toEqual([
        { a: 'renamed', t: 'UTC' },
      ]);
      const broken = openSession({ ...options, initialStatements: ['selec 1'] }, NAMED);
      expect((await thrown(broken)).code).toBe('pg_query_refused');
    });

    it('cancels a query by time or signal and goes on with the next', async () => {
      await using session = await openSession(options, NAMED);
      const slow = session.query('select pg_sleep(60)', [], { timeoutMs: 50 });
      const next = session.query('select 1 as one');
      expect((await thrown(slow)).code).toBe('pg_query_failed');
      expect(await next).toEqual([{ one: 1 }]);
      const stop = new AbortController();
      const aborted = session.query('select pg_sleep(60)', [], { signal: stop.signal });
      const reason = new Error('stopped');
      setImmediate(() => stop.abort(reason));
      await expect(aborted).rejects.toBe(reason);
      expect(await session.query('select 2 as two')).toEqual([{ two: 2 }]);
    });

    it('never shows parameters or details in a query error', async () => {
      await using session = await openSession(options, NAMED);
      await session.simple('create temporary table t (id int primary key, v text)');
      await session.query('insert into t values (1, $1)', [SECRET]);
      const error = await thrown(session.query('insert into t values (1, $1)', [SECRET]));
      expect(error).toMatchObject({ code: 'pg_query_failed', details: { sqlState: '23505' } });
      expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain('Key (id)');
    });

    it('tells once that the server ended the session', async () => {
      const session = await openSession(options, NAMED);
      const lost: SlotlineError[] = [];
      session.onLost((error) => lost.push(error));
      await fresh.client.query('select pg_terminate_backend($1)', [session.processId]);
      await until('the loss is known', async () => lost.length > 0, { timeoutMs: 5_000 });
      expect(lost.map(({ code, details }) => [code, details.sqlState])).toEqual([['pg_shutting_down', '57P01']]);
      session.onLost((error) => lost.push(error));
      expect(lost).toHaveLength(2);
      expect((await thrown(session.query('select 1'))).code).toBe('pg_shutting_down');
      await session.close();
    });

    it('hands the socket over: large reads, pausing, nothing of the login left', async () => {
      const session = await openSession(options, NAMED);
      const lost: unknown[] = [];
      session.onLost((error) => lost.push(error));
      const state = taken(session);
      state.paused = true;
      session.write(queryMessage(`select repeat('x', 1000) from generate_series(1, 20000)`));
      await until('the first read', async () => state.bytes > 0, { timeoutMs: 5_000 });
      const whilePaused = state.bytes;
      // The server stands still in its write: it can send no more than the socket buffers take.
      await until(
        'the server waits for us',
        async () => {
          const waiting = `select wait_event from pg_stat_activity where pid = ${session.processId} and wait_event = 'ClientWrite'`;
          return (await fresh.client.query(waiting)).rows.length === 1;
        },
        { timeoutMs: 10_000 },
      );
      expect(state.bytes).toBe(whilePaused);
      state.paused = false;
      session.resumeReading();
      await until('all rows', async () => state.bytes > 20_000 * 1000 && state.tail.endsWith('Z\0\0\0\x05I'), { timeoutMs: 10_000 });
      session.destroy();
      await until('the close is told', async () => state.closed, { timeoutMs: 5_000 });
      expect(lost).toEqual([]);
      await session.close();
    });
  });
}

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

describe('connection over IPv6', () => {
  it.runIf(hasIpv6)('takes an address without brackets, and a name whose first address refuses', async () => {
    await using server = await startPostgres({ major: 18, settings: { listen_addresses: '127.0.0.1,::1' } });
    for (const hostname of ['::1', 'localhost']) {
      await using session = await openSession(databaseOptions(server, 'postgres', { hostname }), NAMED);
      expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
    }
  });
});

describe('connection to a PostgreSQL with few connections', () => {
  it('tells that no connection is left, and that the server is shutting down', async () => {
    const settings = { max_connections: '3', max_wal_senders: '1', superuser_reserved_connections: '0' };
    await using server = await startPostgres({ major: 18, settings: { ...settings, reserved_connections: '0' } });
    const options = databaseOptions(server, 'postgres');
    const sessions = [await openSession(options, NAMED), await openSession(options, NAMED), await openSession(options, NAMED)];
    expect((await thrown(openSession(options, NAMED))).code).toBe('pg_connections_exhausted');
    const lost: SlotlineError[] = [];
    for (const session of sessions) session.onLost((error) => lost.push(error));
    await server.stop('fast');
    expect(lost.map(({ code }) => code)).toEqual(['pg_shutting_down', 'pg_shutting_down', 'pg_shutting_down']);
    expect((await thrown(openSession(options, NAMED))).code).toBe('pg_unreachable');
  });
});
