/** Owns how a number of bytes reads for people, as PostgreSQL's pg_size_pretty has it. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** As pg_size_pretty, one decimal: `16.4 MB`; `-` for none. */
export function prettyBytes(bytes: number | undefined): string {
  if (bytes === undefined) return '-';
  let shown = `${bytes} bytes`;
  let value = bytes;
  for (const unit of UNITS) {
    if (Math.abs(value) < 1024) break;
    value /= 1024;
    shown = `${value.toFixed(1)} ${unit}`;
  }
  return shown;
}
