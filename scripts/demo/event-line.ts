/** Owns how one record looks on one line of the terminal. Reads Debezium's envelope; pure. */
import { stripVTControlCharacters, styleText } from 'node:util';

export type Row = Readonly<Record<string, unknown>>;
export type Op = 'r' | 'c' | 'u' | 'd' | 't' | 'm';
export type Envelope = { readonly op: Op; readonly before: Row | null; readonly after: Row | null; readonly source: Row };

const LOOKS = {
  r: { sign: 'READ  ', colour: 'blue' },
  c: { sign: 'CREATE', colour: 'green' },
  u: { sign: 'UPDATE', colour: 'yellow' },
  d: { sign: 'DELETE', colour: 'red' },
  t: { sign: 'TRUNC ', colour: 'magenta' },
  m: { sign: 'MESSAGE', colour: 'cyan' },
} as const;
const TOMBSTONE_SIGN = 'TOMBST';
const VALUE_LENGTH_MAX = 22;
const UNCHANGED = '__debezium_unavailable_value';

/** `columns` is the terminal's width. `wholeBefore`: the table logs whole old rows; of the others an old row has the key only. */
type EventLineOptions = {
  readonly topic: string;
  readonly key: Row | null;
  /** null is a tombstone. */
  readonly value: Envelope | null;
  readonly columns: number;
  readonly wholeBefore: boolean;
};

export function eventLine(o: EventLineOptions): string {
  const key = o.key === null ? '-' : fields(o.key);
  if (o.value === null) return clip(`${styleText('gray', TOMBSTONE_SIGN)} ${styleText('bold', o.topic)} ${key}`, o.columns);
  const look = LOOKS[o.value.op];
  const body = change(o.value, o.wholeBefore);
  const what = body === '' ? '' : `  ${styleText('gray', body)}`;
  return clip(`${styleText(look.colour, look.sign)} ${styleText('bold', o.topic)} ${key}${what}`, o.columns);
}

function change({ op, before, after }: Envelope, wholeBefore: boolean): string {
  if (op === 'd') return before === null || !wholeBefore ? '' : `was ${fields(before)}`;
  if (after === null) return '';
  if (op !== 'u' || before === null) return fields(after);
  const changed = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return changed.map((name) => `${name}: ${short(before[name])} -> ${short(after[name])}`).join(', ');
}

function fields(row: Row): string {
  return Object.entries(row)
    .map(([name, value]) => `${name}=${short(value)}`)
    .join(' ');
}

function short(value: unknown): string {
  if (value === UNCHANGED) return '(unchanged)';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX - 1)}…` : text;
}

/** Cuts what would wrap; escape sequences take no room. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  if (plain.length <= columns) return line;
  const surplus = plain.length - columns + 1;
  const end = line.endsWith('\u001b[39m') ? '\u001b[39m' : '';
  const body = end === '' ? line : line.slice(0, -end.length);
  return `${body.slice(0, body.length - surplus)}…${end}`;
}
