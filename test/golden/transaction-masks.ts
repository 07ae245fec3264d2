/** Owns what may differ in a record of the transaction topic; masks.ts lists it with the reasons. */
import type { Ranks } from './masks.ts';

export type TransactionStatus = {
  readonly status: 'BEGIN' | 'END';
  readonly xid: string;
  readonly lsn: string;
  readonly tsMs: string;
};

const STATUS = /^((?:\{"schema":.*,"payload":)?\{"status":"(BEGIN|END)","id":")(\d+):(\d+)(",.*"ts_ms":)(\d+)(\}+)$/s;
const ID = /("id":")\d+:\d+(")/;
const MESSAGE_ID = /(LogicalDecodingMessageId@)[0-9a-f]+/g;
const COLLECTIONS = /("data_collections":\[)([^\]]*)\]/;

export function transactionStatus(value: string): TransactionStatus | undefined {
  const match = STATUS.exec(value);
  if (match === null) return undefined;
  const [, , status, xid = '', lsn = '', , tsMs = ''] = match;
  return { status: status === 'BEGIN' ? 'BEGIN' : 'END', xid, lsn, tsMs };
}

type TransactionRecord = {
  readonly key: string | null;
  readonly value: string;
  readonly status: TransactionStatus;
  readonly ranks: Ranks;
  /** The first event of each transaction that has one. */
  readonly events: ReadonlyMap<string, { readonly lsn: string; readonly tsMs: string }>;
};

/** The key must hold the value's id. A transaction without events (a server before 15 sends it) has nothing to be compared with. */
export function maskTransactionIds({ key, value, status, ranks, events }: TransactionRecord): { key: string | null; value: string } {
  const event = events.get(status.xid);
  const id = `${ranks.of('tx', status.xid)}:${status.status === 'END' ? ranks.of('commit', status.lsn) : beginsAt(status.lsn, event?.lsn)}`;
  const time = event === undefined || event.tsMs === status.tsMs ? '<commit time>' : '<not the commit time>';
  const sameId = key?.includes(`"id":"${status.xid}:${status.lsn}"`);
  return {
    key: key?.replace(ID, `$1${sameId ? id : '<another id>'}$2`) ?? null,
    value: value
      .replace(STATUS, (_, start: string, ...parts: string[]) => `${start}${id}${parts[3]}${time}${parts[5]}`)
      .replace(COLLECTIONS, (_, start: string, list: string) => `${start}${maskCollections(list)}]`),
  };
}

function beginsAt(lsn: string, first: string | undefined): string {
  if (first === undefined) return '<begin>';
  if (lsn === first) return '<first event>';
  return BigInt(lsn) < BigInt(first) ? '<before the first event>' : '<after the first event>';
}

function maskCollections(list: string): string {
  if (list.search(MESSAGE_ID) === -1) return list;
  const items = list.replace(MESSAGE_ID, '$1<identity>').split(/(?<=\}),/);
  return items.sort().join(',');
}
