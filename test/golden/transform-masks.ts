/**
 * Owns what may differ in records that a chain of transforms has made; masks.ts lists the rest with the reasons. There is no envelope to find
 * the values in, so they are found by the name of a field or header: the name of a fact, with whatever a transform has put before it.
 *
 *     …ts_ms, …ts_us, …ts_ns           The connector's clock: only the number of digits is compared.
 *     …source…ts_us, …source…ts_ns     Commit time: by rank; nanoseconds must be microseconds with three zeros.
 *     …source…ts_ms                    Commit time: the number of digits, for two commits may have the same millisecond.
 *     …lsn, …txId, …xmin, …sequence    By rank.
 *     …id of the form xid:lsn          Both by rank.
 *     …source…db, __db                 Each replay has a database of its own.
 *     a record's timestamp             The connector's clock, unless a column says one of the years before.
 */
import type { Ranks } from './masks.ts';

/** Gives what stands for a value, by its kind. */
type Print = (kind: string, value: string) => string;

const NUMBER = /"((?:[\w.]*[._])?(?:ts_ms|ts_us|ts_ns|lsn|txId|xmin))":(\d+)/g;
const SEQUENCE = /"((?:[\w.]*[._])?sequence)":"\[(?:null|\\"(\d+)\\"),\\"(\d+)\\"\]"/g;
const TRANSACTION_ID = /"([\w.]*id)":"(\d+):(\d+)"/g;
const DATABASE = /"([\w.]*(?:source[._]|__)db)":"[^"]*"/g;
const IS_SOURCE = /(?:source|src)[._]ts_.s$/;
const DIGITS: Readonly<Record<string, number>> = { ts_ms: 13, ts_us: 16, ts_ns: 19 };
/** Columns that are record timestamps hold earlier times. */
const CLOCK_FROM_MS = Date.UTC(2025, 0);

export function isTransformCase(group: string): boolean {
  return group.startsWith('transform-');
}

/** To be called for every key, value and header of the case, before any is masked. */
export function seeFields(text: string, ranks: Ranks): void {
  replaceFields(text, (kind, value) => {
    ranks.add(kind, value);
    return value;
  });
}

export function maskFields(text: string, ranks: Ranks): string {
  return replaceFields(text, (kind, value) => ranks.of(kind, value));
}

/** A header as a member of an object, so that it is masked like a field. */
export function headerAsField(name: string, value: string): string {
  return `"${name}":${/^\d+$/.test(value) ? value : `"${value.replaceAll('"', '\\"')}"`}`;
}

export function maskTimestamp(timestamp: number | undefined): string | undefined {
  if (timestamp === undefined) return undefined;
  return timestamp >= CLOCK_FROM_MS ? '<clock>' : String(timestamp);
}

function replaceFields(text: string, print: Print): string {
  return text
    .replace(NUMBER, (_, name: string, value: string) => `"${name}":${printNumber(name, value, print)}`)
    .replace(SEQUENCE, (_, name: string, commit: string | undefined, lsn: string) => {
      return `"${name}":[${commit === undefined ? 'null' : print('commit', commit)},${print('lsn', lsn)}]`;
    })
    .replace(TRANSACTION_ID, (_, name: string, xid: string, lsn: string) => `"${name}":"${print('tx', xid)}:${print('lsn', lsn)}"`)
    .replace(DATABASE, '"$1":"<db>"');
}

function printNumber(name: string, value: string, print: Print): string {
  if (name.endsWith('lsn')) return print('lsn', value);
  if (name.endsWith('txId')) return print('tx', value);
  if (name.endsWith('xmin')) return print('xmin', value);
  const unit = name.slice(-'ts_ms'.length);
  if (value.length !== DIGITS[unit]) return value;
  if (!IS_SOURCE.test(name)) return `<clock ${unit}>`;
  if (unit === 'ts_ms') return '<time ms>';
  if (unit === 'ts_us') return print('time', value);
  return value.endsWith('000') ? `${print('time', value.slice(0, -'000'.length))}000` : value;
}
