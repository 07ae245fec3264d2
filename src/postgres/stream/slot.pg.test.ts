/** Owns the tests of slots: creation with an exported snapshot, state, lag, and each way in which a slot cannot be used. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../../test/harness/database-options.ts';
import { startPostgres } from '../../../test/harness/postgres.ts';
import { type FreshDatabase, freshDatabase, uniqueName } from '../../../test/harness/shared.ts';
import { until } from '../../../test/harness/until.ts';
import { openSession, type PgSession } from '../session/open-session.ts';
import { loadServerFacts, requireLogicalWal } from '../session/server-facts.ts';
import { createSlot, dropSlot, loadSlot, loadSlotLag, requireUsableSlot, type SlotState } from './slot.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

for (const major of [14, 18] as const) {
  describe(`slot on PostgreSQL ${major}`, () => {
    let fresh: FreshDatabase;
    let sql: PgSession;
    let replication: PgSession;

    beforeAll(async () => {
      fresh = await freshDatabase(major);
      await fresh.client.query('create table item (id int primary key)');
      const options = databaseOptions(fresh.server, fresh.database);
      sql = await openSession(options, { applicationName: 'slot test' });
      replication = await openSession(options, { applicationName: 'slot test', replication: true });
    });
    afterAll(async () => {
      await replication?.close();
      await sql?.close();
      await fresh?.drop();
    });

    const slotState = async (name: string): Promise<SlotState> => {
      const slot = await loadSlot(sql, name);
      if (slot === undefined) throw new Error(`slot ${name} was not found`);
      return slot;
    };

    it('creates a slot whose exported snapshot shows the rows at its consistent point', async () => {
      const name = uniqueName('s');
      await fresh.client.query('insert into item values (1)');
      const { consistentPoint, snapshotName } = await createSlot(replication, { name, failover: true });
      await fresh.client.query('insert into item values (2)');
      await sql.simple(`begin isolation level repeatable read; set transaction snapshot '${snapshotName}'`);
      expect(await sql.query('select id from item')).toEqual([{ id: 1 }]);
      await sql.simple('commit');
      const slot = await slotState(name);
      expect(slot).toMatchObject({
        kind: 'logical',
        plugin: 'pgoutput',
        database: fresh.database,
        temporary: false,
        active: false,
        activePid: undefined,
        confirmedFlushLsn: consistentPoint,
        walStatus: 'reserved',
        safeWalSizeBytes: undefined,
        twoPhase: false,
        failover: major >= 17,
        synced: false,
        invalidationReason: undefined,
      });
      expect(() => requireUsableSlot(slot, fresh.database)).not.toThrow();
      await dropSlot(replication, name);
      expect(await loadSlot(sql, name)).toBeUndefined();
      await dropSlot(replication, name);
    });

    it('creates a temporary slot that goes with its session', async () => {
      const name = uniqueName('s');
      const options = databaseOptions(fresh.server, fresh.database);
      const other = await openSession(options, { applicationName: 'slot test', replication: true });
      await createSlot(other, { name, temporary: true, failover: true });
      expect(await slotState(name)).toMatchObject({ temporary: true, active: true, activePid: other.processId });
      await other.close();
      await until('the temporary slot is gone', async () => (await loadSlot(sql, name)) === undefined, { timeoutMs: 5_000 });
    });

    it('tells the lag in bytes', async () => {
      const name = uniqueName('s');
      await createSlot(replication, { name });
      await fresh.client.query('insert into item select generate_series(100, 1100)');
      const lag = await loadSlotLag(sql, name);
      expect(lag?.lagBytes).toBeGreaterThan(50_000);
      expect(lag?.retainedBytes).toBeGreaterThanOrEqual(lag?.lagBytes ?? Number.POSITIVE_INFINITY);
      expect(await loadSlotLag(sql, 'no_such_slot')).toBeUndefined();
      await dropSlot(replication, name);
    });

    it('refuses to make a slot that exists: slot_in_use, so that the loser of a race waits', async () => {
      const name = uniqueName('s');
      await createSlot(replication, { name });
      await expect(createSlot(replication, { name })).rejects.toEqual(code('slot_in_use'));
      await dropSlot(replication, name);
    });

    it('stops waiting for an open transaction when the caller gives up, and leaves no slot behind', async () => {
      const name = uniqueName('s');
      const blocker = await fresh.server.connect(fresh.database);
      await blocker.query('begin; insert into item values (5000)');
      const stop = new AbortController();
      const creating = createSlot(replication, { name }, { signal: stop.signal });
      await until('the slot is being made', async () => (await loadSlot(sql, name)) !== undefined, { timeoutMs: 5_000 });
      stop.abort(new Error('enough'));
      await expect(creating).rejects.toThrow('enough');
      await until('the half-made slot is gone', async () => (await loadSlot(sql, name)) === undefined, { timeoutMs: 5_000 });
      await blocker.end();
      await createSlot(replication, { name });
      await dropSlot(replication, name);
    });

    it('names a slot of another plugin, kind or database unsuitable', async () => {
      const plugin = uniqueName('s');
      const physical = uniqueName('s');
      const mine = uniqueName('s');
      await fresh.client.query(
        `select pg_create_logical_replication_slot('${plugin}', 'test_decoding'), pg_create_physical_replication_slot('${physical}')`,
      );
      await createSlot(replication, { name: mine });
      const refusal = async (name: string, database = fresh.database): Promise<unknown> => {
        const slot = await slotState(name);
        try {
          requireUsableSlot(slot, database);
        } catch (error) {
          return error;
        }
        return undefined;
      };
      expect(await refusal(plugin)).toEqual(code('slot_unsuitable'));
      expect(await refusal(physical)).toEqual(code('slot_unsuitable'));
      expect(await refusal(mine, 'elsewhere')).toEqual(code('slot_unsuitable'));
      expect(await refusal(mine)).toBeUndefined();
      for (const name of [plugin, physical, mine]) await dropSlot(replication, name);
    });
  });

  describe(`slot limits on a small PostgreSQL ${major}`, () => {
    it('maps exhausted slots and senders, a lost slot and a wal_level that is too low to their codes', async () => {
      const settings = {
        max_replication_slots: '1',
        max_wal_senders: '2',
        max_slot_wal_keep_size: '1MB',
        min_wal_size: '32MB',
        max_wal_size: '32MB',
        checkpoint_timeout: '30s',
      };
      await using server = await startPostgres({ major, settings });
      const options = databaseOptions(server, 'postgres');
      await using sql = await openSession(options, { applicationName: 'slot test' });
      await using replication = await openSession(options, { applicationName: 'slot test', replication: true });
      await createSlot(replication, { name: 'first' });
      await expect(createSlot(replication, { name: 'second' })).rejects.toEqual(code('replication_slots_exhausted'));

      await using _second = await openSession(options, { applicationName: 'slot test', replication: true });
      const third = openSession(options, { applicationName: 'slot test', replication: true });
      await expect(third).rejects.toEqual(code('wal_senders_exhausted'));

      for (let segment = 0; segment < 4; segment++) await sql.query('select pg_switch_wal(), pg_logical_emit_message(true, $1, $1)', ['x']);
      await sql.query('checkpoint');
      const slot = await loadSlot(sql, 'first');
      expect(slot?.walStatus).toBe('lost');
      if (slot !== undefined) expect(() => requireUsableSlot(slot, 'postgres')).toThrow(expect.objectContaining({ code: 'slot_lost' }));
      const stream = replication.simple('START_REPLICATION SLOT "first" LOGICAL 0/0', { subject: 'slot' });
      await expect(stream).rejects.toEqual(code('slot_lost'));
      const missing = replication.simple('START_REPLICATION SLOT "nix" LOGICAL 0/0', { subject: 'slot' });
      await expect(missing).rejects.toEqual(code('slot_missing'));
    });

    it('names wal_level when it is replica', async () => {
      await using server = await startPostgres({ major, settings: { wal_level: 'replica' } });
      const options = databaseOptions(server, 'postgres');
      await using sql = await openSession(options, { applicationName: 'slot test' });
      await using replication = await openSession(options, { applicationName: 'slot test', replication: true });
      const facts = await loadServerFacts(sql);
      expect(() => requireLogicalWal(facts)).toThrow(expect.objectContaining({ code: 'wal_level_not_logical' }));
      await expect(createSlot(replication, { name: 'first' })).rejects.toEqual(code('wal_level_not_logical'));
    });
  });
}
