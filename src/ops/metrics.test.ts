/** The table of metrics and its text: names as Prometheus wants them, labels escaped, counters that outlive attempts. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import { TASK_ID } from '../core/options.ts';
import type { AttemptParts } from '../pipeline/life/live-facts.ts';
import { LiveState, tellingRefusals } from '../pipeline/life/live-state.ts';
import { METRICS, metricsText } from './metrics.ts';

const NOTHING = { created: 0, updated: 0, deleted: 0, read: 0, truncated: 0, skipped: 0 };

function attempt(created: number, acknowledgedOrdinal: number, nowUs = 0): AttemptParts {
  return {
    counts: { ...NOTHING, created },
    publisher: { acknowledgedOrdinal, topicsRecreated: 0, pending: { records: 3, bytes: 400, requestsInFlight: 1 } },
    kafka: { trouble: undefined },
    stream: { info: { nowUs: 0 } },
    snapshot: { info: { nowUs } },
  };
}

function sampleOf(live: LiveState, sample: string, nowUs = 0): string | undefined {
  const lines = metricsText([live.view()], nowUs).split('\n');
  return lines.find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1);
}

describe('the table of metrics', () => {
  it('has unique names with prefix and unit', () => {
    const names = METRICS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^slotline_[a-z]+(_[a-z]+)*$/.test(name))).toEqual([]);
    const counters = METRICS.filter(({ kind }) => kind === 'counter').map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('_total'))).toEqual(counters);
  });

  it('is printed with help, kind and the connector, escaped', () => {
    const text = metricsText([new LiveState({ name: 'a"b\\c\nd', taskId: TASK_ID }).view()], 0);
    expect(text).toContain('# TYPE slotline_up gauge\nslotline_up{connector="a\\"b\\\\c\\nd"} 1\n');
    expect(text.endsWith('\n')).toBe(true);
    expect(text.match(/^# HELP /gm)).toHaveLength(METRICS.length);
    expect(text.split('\n').filter((line) => !/^(# (HELP|TYPE) .+|\w+\{.+\} [\d.e+-]+|)$/.test(line))).toEqual([]);
  });
});

describe('what is counted', () => {
  it('goes on over attempts, and what one attempt holds ends with it', () => {
    const live = new LiveState({ name: 'shop', taskId: TASK_ID });
    const created = 'slotline_events_total{connector="shop",operation="created"}';
    const acknowledged = 'slotline_records_acknowledged_total{connector="shop"}';
    const buffered = 'slotline_producer_buffer_records{connector="shop"}';
    expect(sampleOf(live, created)).toBeUndefined();
    live.tell({ tag: 'attemptBegun' });
    live.tell({ tag: 'attemptReady', parts: attempt(5, 4) });
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['5', '4', '3']);
    live.tell({ tag: 'attemptEnded', error: undefined });
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['5', '4', '0']);
    live.tell({ tag: 'attemptBegun' });
    live.tell({ tag: 'attemptReady', parts: attempt(7, 6) });
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['12', '10', '3']);
    expect(sampleOf(live, 'slotline_attempts_total{connector="shop"}')).toBe('2');
  });

  it('keeps the positions of a stream that has ended, and the time of the last message', () => {
    const live = new LiveState({ name: 'shop', taskId: TASK_ID });
    const age = 'slotline_last_message_age_seconds{connector="shop"}';
    expect(sampleOf(live, age)).toBeUndefined();
    live.tell({ tag: 'attemptReady', parts: attempt(0, 0, 1_000_000) });
    live.tell({ tag: 'streamBegun', positions: { receivedLsn: 90 as Lsn, confirmedLsn: 80 as Lsn } });
    live.tell({ tag: 'streamEnded' });
    live.tell({ tag: 'attemptEnded', error: undefined });
    expect(sampleOf(live, 'slotline_received_lsn_bytes{connector="shop"}')).toBe('90');
    expect(sampleOf(live, 'slotline_confirmed_lsn_bytes{connector="shop"}')).toBe('80');
    expect(sampleOf(live, age, 3_500_000)).toBe('2.5');
  });

  it('tells refused schemas and questions that were asked again', async () => {
    const live = new LiveState({ name: 'shop', taskId: TASK_ID });
    const question = {};
    live.tell({ tag: 'registryRetry', question, error: new SlotlineError('registry_unreachable') });
    expect(sampleOf(live, 'slotline_registry_waiting{connector="shop"}')).toBe('1');
    const refusal = new SlotlineError('registry_incompatible', { subject: 's' });
    await expect(tellingRefusals(live, Promise.reject(refusal))).rejects.toBe(refusal);
    await expect(tellingRefusals(live, Promise.resolve(7))).resolves.toBe(7);
    live.tell({ tag: 'registryAnswered', question });
    expect(sampleOf(live, 'slotline_registry_waiting{connector="shop"}')).toBe('0');
    expect(sampleOf(live, 'slotline_schema_incompatible_total{connector="shop"}')).toBe('1');
    expect(sampleOf(live, 'slotline_registry_retries_total{connector="shop"}')).toBe('1');
  });
});
