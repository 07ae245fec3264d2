/** Owns how a run that ends by itself is awaited and judged: one clear error, with code and remedy, and no secret. */
import { expect } from 'vitest';
import type { ConnectorConfig } from '../harness/slotline.ts';
import { type LogLine, type Slotline, startSlotline } from '../harness/slotline.ts';

const END_TIMEOUT_MS = 45_000;

/** The exit code of a process that should end by itself. */
export async function exitCodeOf(slotline: Slotline): Promise<number | NodeJS.Signals> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    const tail = (): string =>
      slotline.lines
        .slice(-15)
        .map((line) => JSON.stringify(line))
        .join('\n');
    timer = setTimeout(() => fail(new Error(`Slotline still runs after ${END_TIMEOUT_MS} ms:\n${tail()}`)), END_TIMEOUT_MS);
  });
  try {
    return await Promise.race([slotline.exited, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for the end: exit code 1, and in the log one error, of this code and with its remedy. Returns its line. */
export async function failureOf(slotline: Slotline, code: string): Promise<LogLine> {
  const exitCode = await exitCodeOf(slotline);
  const errors = slotline.lines.filter(({ level }) => level === 'error');
  expect(errors.map((line) => `${line.event} ${String(line['code'])}`)).toEqual([`connector.failed ${code}`]);
  expect(exitCode).toBe(1);
  const [error] = errors;
  if (error === undefined) throw new Error('no error line');
  expect(String(error['remedy'])).not.toBe('');
  expect(String(error['message'])).not.toMatch(/\n|undefined|\[object/);
  expect(error['stack']).toBeUndefined();
  const said = slotline.lines.map((line) => JSON.stringify(line)).join('\n') + slotline.stderr();
  expect(said).not.toContain(slotline.config['database.password']);
  return error;
}

/** Runs it to its end, which must be such a failure. */
export async function failedRun(config: ConnectorConfig, code: string): Promise<LogLine> {
  await using slotline = startSlotline(config);
  return await failureOf(slotline, code);
}
