/** Owns the pino instance: JSON lines on standard output, a constant `event` first. The only file that imports pino. */
import { type DestinationStream, destination, pino } from 'pino';
import type { Log, LogFields } from '../core/log.ts';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Lines are written synchronously: the last one before an exit is the one that matters. */
export function createLog(level: LogLevel, base: LogFields, stream: DestinationStream = destination({ dest: 1, sync: true })): Log {
  const logger = pino(
    {
      level,
      base,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const at =
    (method: LogLevel) =>
    (event: string, fields: LogFields = {}): void =>
      logger[method]({ event, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
