import { expect, test } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import type { Lsn } from '../../core/lsn.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import type { StoredOffset } from '../../offsets/offset.ts';
import { type MarkedOffset, PositionKeeper } from './position-keeper.ts';

const lsn = (value: number): Lsn => value as Lsn;
const OFFSET: MarkedOffset = {
  lsn: lsn(90),
  txId: 7,
  mark: { confirmedLsn: lsn(100), slot: 's', systemId: '1', databaseOid: 5, claim: 1 },
};

/** A keeper whose store answers when the test says so. */
async function openKeeper(offset: MarkedOffset = OFFSET) {
  const saved: StoredOffset[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  let isHeld = false;
  const confirmed: number[] = [];
  const troubles: (string | undefined)[] = [];
  const ended = new AbortController();
  const store = {
    async save(one: StoredOffset): Promise<void> {
      const answer = Promise.withResolvers<void>();
      waiting.push(answer);
      if (!isHeld) answer.resolve();
      await answer.promise;
      saved.push(one);
    },
  };
  const keeper = await PositionKeeper.begin(
    {
      store,
      clock: SYSTEM_CLOCK,
      log: SILENT_LOG,
      signal: new AbortController().signal,
      ended: ended.signal,
      confirmer: { onStored: (position) => confirmed.push(position) },
      onTrouble: (error) => troubles.push(error?.code),
    },
    offset,
  );
  const hold = (): void => {
    isHeld = true;
  };
  const answer = (error?: SlotlineError): void => {
    isHeld = false;
    if (error === undefined) waiting.at(-1)?.resolve();
    else waiting.at(-1)?.reject(error);
  };
  return { keeper, saved, confirmed, troubles, hold, answer, [Symbol.dispose]: () => ended.abort() };
}

test('a position is confirmed once it is stored, and what is stored already at once', async () => {
  using parts = await openKeeper();
  const { keeper, saved, confirmed, hold, answer } = parts;
  keeper.request(lsn(95), { records: 1, urgent: false });
  expect(confirmed).toEqual([95]);
  hold();
  keeper.request(lsn(120), { records: 2, urgent: false });
  // The server asks meanwhile, and is told the stored position.
  keeper.request(lsn(130), { records: 3, urgent: true });
  expect(confirmed).toEqual([95, 100]);
  answer();
  await keeper.flush(AbortSignal.timeout(5_000));
  expect(confirmed).toEqual([95, 100, 120, 130]);
  expect(saved.at(-1)).toMatchObject({
    lsn: 130,
    lsnProc: 130,
    lsnCommit: 130,
    messageType: 'COMMIT',
    mark: { confirmedLsn: 130, slot: 's' },
  });
  expect(saved.at(-1)).not.toHaveProperty('txId');
});

test('while a snapshot is on its way the record goes on saying so', async () => {
  using parts = await openKeeper({ ...OFFSET, snapshot: 'INITIAL', snapshotCompleted: false });
  parts.keeper.request(lsn(120), { records: 1, urgent: false });
  await parts.keeper.flush(AbortSignal.timeout(5_000));
  expect(parts.saved.at(-1)).toMatchObject({ lsn: 90, snapshot: 'INITIAL', snapshotCompleted: false, mark: { confirmedLsn: 120 } });
});

test('under load few writes are made, each with the newest position, and nothing above one is confirmed', async () => {
  using parts = await openKeeper();
  const { keeper, saved, confirmed } = parts;
  for (let i = 1; i <= 200; i++) {
    keeper.request(lsn(100 + i), { records: i, urgent: i % 10 === 0 });
    await Promise.resolve();
    expect(Math.max(0, ...confirmed)).toBeLessThanOrEqual(keeper.storedLsn);
  }
  expect(saved.length).toBeLessThan(15);
  await keeper.flush(AbortSignal.timeout(5_000));
  expect(confirmed.at(-1)).toBe(300);
});

test('what cannot be stored is not confirmed; it is told, and tried again', async () => {
  using parts = await openKeeper();
  const { keeper, confirmed, troubles, hold, answer } = parts;
  hold();
  keeper.request(lsn(120), { records: 1, urgent: false });
  answer(new SlotlineError('kafka_unauthorized', {}));
  await keeper.flush(AbortSignal.timeout(10_000));
  expect(confirmed).toEqual([120]);
  expect(troubles).toEqual(['kafka_unauthorized', undefined]);
});
