/** Owns dropping a slot whose reader has just ended: the server knows of the end a moment later. */
import type pg from 'pg';
import { until } from './until.ts';

const READER_GONE = { timeoutMs: 30_000 };

/** Nothing happens where there is none. */
export async function dropSlot(client: pg.Client, slot: string): Promise<void> {
  const sql = 'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active';
  const left = 'select 1 from pg_replication_slots where slot_name = $1';
  const isGone = async (): Promise<boolean> => {
    await client.query(sql, [slot]).catch((error: unknown) => {
      // Taken between the two looks at it.
      if (!(error instanceof Error && 'code' in error && error.code === '55006')) throw error;
    });
    return (await client.query(left, [slot])).rowCount === 0;
  };
  await until(`slot ${slot} is dropped`, isGone, READER_GONE);
}
