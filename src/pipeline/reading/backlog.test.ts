import { expect, test } from 'vitest';
import { answeringSession } from '../../../test/pipeline/answering-session.ts';
import { testOptions } from '../../../test/pipeline/attempt.ts';
import { formatLsn, type Lsn } from '../../core/lsn.ts';
import { Backlog } from './backlog.ts';

function setUp({ isStreamed = false, enabled = true } = {}) {
  const state = { endLsn: 0, nowMs: 1_000, markedLsn: 0x1000 as Lsn };
  const sql = answeringSession([
    { to: 'currentLsn', rows: () => [{ currentLsn: formatLsn(state.endLsn as Lsn), lagBytes: 0, retainedBytes: 0 }] },
  ]);
  const clock = { monotonicMs: () => state.nowMs, nowMs: () => state.nowMs, nowUs: () => state.nowMs * 1000 };
  const options = testOptions();
  const catchUp = { ...options.catchUp, enabled };
  const backlog = new Backlog({ options: { slot: options.slot, catchUp }, sql, clock, positions: state }, { isStreamed });
  return { state, backlog, sql, thresholdBytes: catchUp.thresholdBytes };
}

test('a backlog is far when more waits than the threshold, counted from where the reading stands', async () => {
  const { state, backlog, thresholdBytes } = setUp();
  state.endLsn = state.markedLsn + thresholdBytes;
  expect(await backlog.findFarEnd()).toBeUndefined();
  state.endLsn++;
  expect(await backlog.findFarEnd()).toBe(state.endLsn);
  expect(backlog.farBelow(state.endLsn as Lsn)).toBe(state.markedLsn + 1);
  state.markedLsn = (state.markedLsn + 1) as Lsn;
  expect(await backlog.findFarEnd()).toBeUndefined();
});

test('a backlog is left alone for ten minutes after bulk reading did not pay, and the server is not asked', async () => {
  const { state, backlog, sql, thresholdBytes } = setUp();
  state.endLsn = state.markedLsn + 2 * thresholdBytes;
  backlog.leaveAlone();
  state.nowMs += 599_999;
  expect([await backlog.findFarEnd(), sql.asked]).toEqual([undefined, []]);
  state.nowMs++;
  expect(await backlog.findFarEnd()).toBe(state.endLsn);
});

test.each([{ isStreamed: true }, { enabled: false }])('a backlog is never read in bulk with %j', async (how) => {
  const { state, backlog, sql, thresholdBytes } = setUp(how);
  state.endLsn = state.markedLsn + 2 * thresholdBytes;
  expect([await backlog.findFarEnd(), sql.asked]).toEqual([undefined, []]);
});
