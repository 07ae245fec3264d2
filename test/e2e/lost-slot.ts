/** Owns making a server forget the WAL that a slot needs. The server's max_slot_wal_keep_size must be small. */
import type pg from 'pg';
import { until } from '../harness/until.ts';

export const LOSING_SETTINGS: Readonly<Record<string, string>> = {
  max_slot_wal_keep_size: '1MB',
  min_wal_size: '32MB',
  max_wal_size: '64MB',
};

/** Writes WAL until the slot, which nobody may be reading, is lost. */
export async function loseSlot(client: pg.Client, slot: string): Promise<void> {
  await until(
    `slot ${slot} is lost`,
    async () => {
      for (let segment = 0; segment < 3; segment++) {
        await client.query("select pg_logical_emit_message(false, 'filler', 'x')");
        await client.query('select pg_switch_wal()');
      }
      await client.query('checkpoint');
      const { rows } = await client.query<{ status: string }>(
        `select wal_status as status from pg_replication_slots where slot_name = '${slot}'`,
      );
      return rows[0]?.status === 'lost';
    },
    { timeoutMs: 30_000 },
  );
}
