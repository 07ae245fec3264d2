/**
 * Owns what really happened to the load table: every committed change in commit order, as another decoding plugin (test_decoding) on a
 * slot of its own tells it. Shares no code with the program under test.
 */
import type pg from 'pg';

/** One record that the topic must hold. `commitLsn` is the end of the commit; `row` is there for c and u. */
export type ExpectedRecord = {
  readonly kind: 'c' | 'u' | 'd' | 'tombstone';
  readonly key: number;
  readonly row: LoadRow | undefined;
  readonly lsn: number;
  readonly xid: number;
  readonly commitLsn: number;
};

export type LoadRow = { readonly id: number; readonly version: string; readonly note: string | null };

/** Must be made before the first change that is to be known. */
export async function createTruthSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(`select pg_create_logical_replication_slot('${slot}', 'test_decoding')`);
}

/** Every change since the slot was made; the slot keeps them. A key change is a delete, a tombstone and a create (D9). */
export async function loadTruth(client: pg.Client, slot: string): Promise<ExpectedRecord[]> {
  const { rows } = await client.query<DecodedRow>(
    `select lsn::text, xid::text, data from pg_logical_slot_peek_changes('${slot}', null, null, 'skip-empty-xacts', '1')`,
  );
  const records: ExpectedRecord[] = [];
  let transaction: Omit<ExpectedRecord, 'commitLsn'>[] = [];
  for (const { lsn, xid, data } of rows) {
    if (data.startsWith('COMMIT')) {
      const commitLsn = lsnNumber(lsn);
      for (const record of transaction) records.push({ ...record, commitLsn });
      transaction = [];
    } else if (data.startsWith('table public.load:')) {
      transaction.push(...recordsOf(data, { lsn: lsnNumber(lsn), xid: Number(xid) }));
    }
  }
  return records;
}

type DecodedRow = { lsn: string; xid: string; data: string };
type Place = { readonly lsn: number; readonly xid: number };

export function lsnNumber(text: string): number {
  const [high = '', low = ''] = text.split('/');
  return Number.parseInt(high, 16) * 0x1_0000_0000 + Number.parseInt(low, 16);
}

function recordsOf(data: string, place: Place): Omit<ExpectedRecord, 'commitLsn'>[] {
  const [, verb = '', cells = ''] = /^table public\.load: (\w+): (.*)$/s.exec(data) ?? [];
  const deleted = (key: number): Omit<ExpectedRecord, 'commitLsn'>[] => [
    { kind: 'd', key, row: undefined, ...place },
    { kind: 'tombstone', key, row: undefined, ...place },
  ];
  if (verb === 'DELETE') return deleted(parseRow(cells).id);
  const [, oldKey, newTuple] = /^old-key: (.*) new-tuple: (.*)$/s.exec(cells) ?? [];
  const row = parseRow(newTuple ?? cells);
  if (oldKey !== undefined) return [...deleted(parseRow(oldKey).id), { kind: 'c', key: row.id, row, ...place }];
  return [{ kind: verb === 'INSERT' ? 'c' : 'u', key: row.id, row, ...place }];
}

/** `id[integer]:1 version[bigint]:2 note[text]:'abc'` */
function parseRow(cells: string): LoadRow {
  const values = new Map<string, string | null>();
  for (const [, name = '', text = ''] of cells.matchAll(/(\w+)\[[^\]]*\]:('(?:[^']|'')*'|[^ ]+)/g)) {
    values.set(name, text === 'null' ? null : text.replace(/^'(.*)'$/s, '$1').replaceAll("''", "'"));
  }
  return { id: Number(values.get('id')), version: values.get('version') ?? '', note: values.get('note') ?? null };
}
