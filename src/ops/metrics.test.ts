/** The table of metrics and its text: names as Prometheus wants them, labels escaped, counters that outlive attempts. */
import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../core/errors.ts';
import type { Lsn } from '../core/lsn.ts';
import { type AttemptParts, LiveState } from '../pipeline/life/live-state.ts';
import { METRICS, metricsText } from './metrics.ts';

const NOTHING = { created: 0, updated: 0, deleted: 0, read: 0, truncated: 0, skipped: 0 };

function attempt(created: number, settledOrdinal: number, nowUs = 0): AttemptParts {
  return {
    changes: { counts: { ...NOTHING, created } },
    publisher: { settledOrdinal, topicsRecreated: 0, pending: { records: 3, bytes: 400, requestsInFlight: 1 } },
    kafka: { trouble: undefined },
    info: { nowUs },
  };
}

function sampleOf(live: LiveState, sample: string, nowUs = 0): string | undefined {
  const lines = metricsText([live], nowUs).split('\n');
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
    const text = metricsText([new LiveState('a"b\\c\nd')], 0);
    expect(text).toContain('# TYPE slotline_up gauge\nslotline_up{connector="a\\"b\\\\c\\nd"} 1\n');
    expect(text.endsWith('\n')).toBe(true);
    expect(text.match(/^# HELP /gm)).toHaveLength(METRICS.length);
    expect(text.split('\n').filter((line) => !/^(# (HELP|TYPE) .+|\w+\{.+\} [\d.e+-]+|)$/.test(line))).toEqual([]);
  });
});

describe('counters and gauges', () => {
  it('counters go on over attempts, and gauges of one attempt end with it', () => {
    const live = new LiveState('shop');
    const created = 'slotline_events_total{connector="shop",operation="created"}';
    const acknowledged = 'slotline_records_acknowledged_total{connector="shop"}';
    const buffered = 'slotline_producer_buffer_records{connector="shop"}';
    expect(sampleOf(live, created)).toBeUndefined();
    live.beginAttempt();
    live.attach(attempt(5, 4));
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['5', '4', '3']);
    live.endAttempt();
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['5', '4', '0']);
    live.beginAttempt();
    live.attach(attempt(7, 6));
    expect([created, acknowledged, buffered].map((name) => sampleOf(live, name))).toEqual(['12', '10', '3']);
    expect(sampleOf(live, 'slotline_attempts_total{connector="shop"}')).toBe('2');
  });

  it('gauges keep the positions of a stream that has ended, and the time of the last message', () => {
    const live = new LiveState('shop');
    const age = 'slotline_last_message_age_seconds{connector="shop"}';
    expect(sampleOf(live, age)).toBeUndefined();
    live.attach(attempt(0, 0, 1_000_000));
    live.beginStream({ receivedLsn: 90 as Lsn, flushedLsn: 80 as Lsn });
    live.endStream();
    live.endAttempt();
    expect(sampleOf(live, 'slotline_received_lsn_bytes{connector="shop"}')).toBe('90');
    expect(sampleOf(live, 'slotline_confirmed_lsn_bytes{connector="shop"}')).toBe('80');
    expect(sampleOf(live, age, 3_500_000)).toBe('2.5');
  });

  it('counters tell refused schemas and questions that were asked again', async () => {
    const live = new LiveState('shop');
    const question = {};
    live.onRegistryRetry(new SlotlineError('registry_unreachable'), question);
    expect(sampleOf(live, 'slotline_registry_waiting{connector="shop"}')).toBe('1');
    const refusal = new SlotlineError('registry_incompatible', { subject: 's' });
    await expect(live.countRefusals(Promise.reject(refusal))).rejects.toBe(refusal);
    await expect(live.countRefusals(Promise.resolve(7))).resolves.toBe(7);
    live.onRegistryAnswered(question);
    expect(sampleOf(live, 'slotline_registry_waiting{connector="shop"}')).toBe('0');
    expect(sampleOf(live, 'slotline_schema_incompatible_total{connector="shop"}')).toBe('1');
    expect(sampleOf(live, 'slotline_registry_retries_total{connector="shop"}')).toBe('1');
  });
});
