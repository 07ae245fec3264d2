/** Owns the slot's lag as PostgreSQL tells it by SQL, and its highest value. */
import type pg from 'pg';

type SlotLag = { readonly lagBytes: number; readonly confirmedLsn: string; readonly active: boolean };

/** Undefined while the slot does not exist. */
export async function readSlotLag(client: pg.Client, slotName: string): Promise<SlotLag | undefined> {
  const { rows } = await client.query(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 as lag_bytes, confirmed_flush_lsn::text as confirmed, active
     from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn is not null`,
    [slotName],
  );
  const row: Record<string, unknown> | undefined = rows[0];
  if (row === undefined) return undefined;
  return { lagBytes: Number(row['lag_bytes']), confirmedLsn: String(row['confirmed']), active: row['active'] === true };
}

export function formatBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
