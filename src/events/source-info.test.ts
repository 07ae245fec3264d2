/** What the stream takes over from a snapshot that comes before it. */
import { describe, expect, it } from 'vitest';
import type { Lsn } from '../core/lsn.ts';
import { SourceInfo } from './source-info.ts';

/** It has caught up to the snapshot, so that transactions were seen. */
function streamed(): SourceInfo {
  const info = new SourceInfo();
  info.beginTransaction({ commitTimeUs: 1_000, xid: 5 });
  info.setOrigin({ name: 'elsewhere', lsn: 0x10 as Lsn });
  info.endTransaction(0x100 as Lsn);
  return info;
}

describe('a stream behind a snapshot', () => {
  it('has seen no commit, and no transaction but that of the snapshot', () => {
    const info = streamed();
    const { serial } = info;
    info.beginBehind({ commitTimeUs: 2_000, xid: 6 });
    expect(info).toMatchObject({ commitTimeUs: 2_000, xid: 6, lastCommitLsn: null, origin: null, originLsn: null, snapshot: 'false' });
    expect(info.serial).toBeGreaterThan(serial);
  });

  it('shows the time of the snapshot in a message that is of no transaction', () => {
    const info = streamed();
    info.beginBehind({ commitTimeUs: 2_000, xid: 6 });
    info.leaveTransaction();
    info.endTransaction(0x200 as Lsn);
    expect(info).toMatchObject({ commitTimeUs: 2_000, xid: null, lastCommitLsn: 0x200, origin: null, originLsn: null });
  });
});
