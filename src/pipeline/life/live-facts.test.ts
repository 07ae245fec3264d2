/** How each event changes what is known of a connector, and what outlives an attempt. */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, SlotlineError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { ConnectorState } from './connector-state.ts';
import { type AttemptParts, type LiveEvent, type LiveFacts, NOTHING_KNOWN, reduce } from './live-facts.ts';
import { viewOf } from './live-state.ts';

function after(...events: readonly LiveEvent[]): LiveFacts {
  return events.reduce(reduce, NOTHING_KNOWN);
}

function told(...events: readonly LiveEvent[]): ReturnType<typeof viewOf> {
  return viewOf({ name: 'shop', taskId: '0' }, after(...events));
}

function parts(created: number, nowUs = 0): AttemptParts {
  return {
    counts: { created, deleted: 1 },
    publisher: { acknowledgedOrdinal: created, topicsRecreated: 1, pending: { records: 2, bytes: 30, requestsInFlight: 1 } },
    kafka: { trouble: new SlotlineError('kafka_unreachable') },
    stream: { info: { nowUs } },
    snapshot: { info: { nowUs: 0 } },
  };
}

const trouble = (code: ErrorCode): SlotlineError => new SlotlineError(code);
const connector = (state: ConnectorState): LiveEvent => ({ tag: 'connector', state });
const RUNNING = connector({ tag: 'running' });
const question = {};

describe('what is known of a connector', () => {
  it.each<readonly [LiveEvent, Partial<ReturnType<typeof viewOf>>]>([
    [{ tag: 'attemptBegun' }, { attempts: 1 }],
    [{ tag: 'snapshot', isTaken: true }, { isSnapshotting: true }],
    [{ tag: 'readingFrom', source: 'bulk' }, { isReadingInBulk: true }],
    [{ tag: 'readingFrom', source: 'walsender' }, { isReadingInBulk: false }],
    [{ tag: 'catchUpGivenUp' }, { catchUpFallbacks: 1 }],
    [{ tag: 'slotHeld', holder: 'walsender 7' }, { slotHolder: 'walsender 7' }],
    [{ tag: 'serverWaits', wait: { of: 'slot', message: 'waits' } }, { serverWait: { of: 'slot', message: 'waits' } }],
    [{ tag: 'schemaRefused' }, { schemasIncompatible: 1 }],
    [
      { tag: 'streamBegun', positions: { receivedLsn: 9 as Lsn, confirmedLsn: 8 as Lsn } },
      { receivedLsn: 9 as Lsn, confirmedLsn: 8 as Lsn },
    ],
  ])('after %o', (event, known) => {
    expect(told(event)).toEqual({ ...told(), ...known });
  });

  it('is not changed itself: each event makes a new value', () => {
    const before = after({ tag: 'registryRetry', question, error: trouble('registry_unreachable') });
    const copy = { ...before, registryTroubles: new Map(before.registryTroubles) };
    const events: readonly LiveEvent[] = [
      { tag: 'registryAnswered', question },
      { tag: 'sourceLoss', trouble: { kind: 'k', message: 'm', remedy: 'r' } },
      { tag: 'attemptEnded', error: undefined },
    ];
    for (const event of events) expect(reduce(before, event)).not.toBe(before);
    expect(before).toEqual(copy);
  });

  it('counts over attempts, and forgets the parts and waits of one that ended', () => {
    const events: readonly LiveEvent[] = [
      { tag: 'attemptBegun' },
      { tag: 'attemptReady', parts: parts(3, 70) },
      { tag: 'snapshot', isTaken: true },
      { tag: 'slotHeld', holder: 'walsender 7' },
      { tag: 'serverWaits', wait: { of: 'postgres', message: 'waits' } },
      { tag: 'catalogTrouble', error: trouble('pg_catalog_behind') },
      { tag: 'positionTrouble', error: trouble('kafka_unreachable') },
      { tag: 'serverSilent', error: trouble('pg_silent') },
      { tag: 'registryRetry', question, error: trouble('registry_unreachable') },
    ];
    const during = told(...events);
    expect(during).toMatchObject({ kafkaTrouble: { code: 'kafka_unreachable' }, registryTrouble: { code: 'registry_unreachable' } });
    expect(during.pending.records).toBe(2);
    const kept = { events: { created: 3, deleted: 1 }, recordsAcknowledged: 3, topicsRecreated: 1, lastMessageUs: 70 };
    expect(during).toMatchObject(kept);
    const lastError = trouble('pg_connection_lost');
    const ended: LiveEvent = { tag: 'attemptEnded', error: lastError };
    expect(told(...events, ended)).toEqual({ ...told(), ...kept, attempts: 1, registryRetries: 1, lastError });
    const next = told(...events, ended, { tag: 'attemptReady', parts: parts(4, 60) });
    expect(next).toMatchObject({ events: { created: 7, deleted: 2 }, recordsAcknowledged: 7, topicsRecreated: 2, lastMessageUs: 70 });
  });

  it('keeps the positions of the last stream', () => {
    const begun: LiveEvent = { tag: 'streamBegun', positions: { receivedLsn: 90 as Lsn, confirmedLsn: 80 as Lsn } };
    const view = told(begun, { tag: 'readingFrom', source: 'bulk' }, { tag: 'streamEnded' });
    expect([view.receivedLsn, view.confirmedLsn, view.isReadingInBulk]).toEqual([90, 80, false]);
  });

  it('ends only the silence that was answered', () => {
    const [mine, other] = [trouble('pg_silent'), trouble('pg_link_silent')];
    expect(told({ tag: 'serverSilent', error: mine }, { tag: 'serverAnswered', error: other }).serverSilence).toBe(mine);
    expect(told({ tag: 'serverSilent', error: mine }, { tag: 'serverAnswered', error: mine }).serverSilence).toBeUndefined();
  });

  it('keeps the last error until an attempt streams; an error of the registry until the registry answers', () => {
    const waiting = (error: SlotlineError): LiveEvent => connector({ tag: 'waiting', attempt: 1, everRan: true, sinceMs: 0, error });
    const starting = (attempt: number): LiveEvent => connector({ tag: 'starting', attempt, everRan: true, sinceMs: 0 });
    const lost = trouble('pg_connection_lost');
    expect(told(waiting(lost), starting(1)).lastError).toBe(lost);
    expect(told(waiting(lost), starting(1), RUNNING).lastError).toBeUndefined();
    expect(told(waiting(lost), starting(0)).lastError).toBeUndefined();
    const away = trouble('registry_unreachable');
    expect(told(waiting(away), starting(1), RUNNING).lastError).toBe(away);
    expect(told(waiting(away), starting(1), { tag: 'registryAnswered', question }).lastError).toBe(away);
    expect(told(waiting(away), starting(1), RUNNING, { tag: 'registryAnswered', question }).lastError).toBeUndefined();
  });
});

describe('what is known of its source', () => {
  const loss = (kind: string): LiveEvent => ({ tag: 'sourceLoss', trouble: { kind, message: kind, remedy: 'look' } });

  it('is counted; a trouble shows until it is put right, a loss for good', () => {
    const { source } = told(
      { tag: 'sourceNotice' },
      { tag: 'sourceLookFailed' },
      { tag: 'sourceChanged', severity: 'loss' },
      { tag: 'sourceChanged', severity: 'loss' },
      { tag: 'sourceChanged', severity: 'info' },
      loss('dropped'),
      loss('dropped'),
      { tag: 'sourceStands', troubles: [{ kind: 'rights', message: 'rights', remedy: 'grant' }] },
    );
    expect(source).toMatchObject({ notices: 1, looksFailed: 1, changes: { loss: 2, warning: 0, info: 1 } });
    expect(source.troubles.map(({ kind }) => kind)).toEqual(['dropped', 'rights']);
    const later = told(loss('dropped'), { tag: 'sourceStands', troubles: [] }, { tag: 'attemptEnded', error: undefined });
    expect(later.source.troubles.map(({ kind }) => kind)).toEqual(['dropped']);
  });

  it('does not grow without end', () => {
    const losses = Array.from({ length: 200 }, (_, index) => loss(`kind ${index}`));
    expect(told(...losses).source.troubles).toHaveLength(50);
  });
});
