/**
 * Owns the shape of a log line: a constant `event`, then fields with units. Does not own where lines go: cli/ makes the
 * pino instance and hands it in. Never a cell value, a key or a secret.
 */

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** For tests and for callers that report through their own return value. */
export const SILENT_LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };
