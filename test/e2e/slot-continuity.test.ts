/**
 * A slot that does not go on where it was left, or that is another connector's, is refused before anything goes by. What the topic must
 * hold is asked of the table by SQL. No false alarm: test/faults/kill-moments.test.ts, and whatever else starts a second time.
 */
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../harness/slotline.ts';
import { dropSlot } from '../harness/slots.ts';
import { lsnNumber } from '../harness/truth.ts';
import { confirmedLsn, untilInactive } from '../harness/verify.ts';
import { failedRun } from './endings.ts';
import { deliver, expectWhole, insert, openPlace, type Place, published, streaming } from './slot-place.ts';

/** A dozen starts on a machine five times as slow. */
const TIMEOUT_MS = 180_000;

/** One number and its name, or a test that says what it found. */
function gapOf(error: LogLine): { bytes: number; deliveredLsn: number; slotLsn: number; accept: string } {
  const found = /bytes=(\d+), deliveredLsn=([^,]+), slotLsn=([^,]+), accept=(\S+)/.exec(String(error['message']));
  if (found === null) throw new Error(`no gap in: ${String(error['message'])}`);
  const [, bytes = '', delivered = '', slot = '', accept = ''] = found;
  return { bytes: Number(bytes), deliveredLsn: lsnNumber(delivered), slotLsn: lsnNumber(slot), accept };
}

async function expectGap(place: Place, deliveredLsn: number): Promise<string> {
  const slotLsn = await confirmedLsn(place.client, place.name);
  const before = await published(place);
  const { accept, ...gap } = gapOf(await failedRun(place.config(), 'slot_gap'));
  expect(gap).toEqual({ bytes: slotLsn - deliveredLsn, deliveredLsn, slotLsn });
  expect(await published(place)).toEqual(before);
  expect(await confirmedLsn(place.client, place.name)).toBe(slotLsn);
  return accept;
}

describe.concurrent('a gap', { timeout: TIMEOUT_MS }, () => {
  it.for([18, 14] as const)(
    'behind a slot made anew by hand is told in bytes on PostgreSQL %i, and filled by when_needed',
    async (major) => {
      await using place = await openPlace(major);
      await using first = await streaming(place);
      await deliver(place, 1);
      expect((await first.stop()).exitCode).toBe(0);
      const deliveredLsn = await confirmedLsn(place.client, place.name);
      await insert(place.client, 2);
      await dropSlot(place.client, place.name);
      await insert(place.client, 3);
      await place.client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [place.name]);
      await insert(place.client, 4);
      await expectGap(place, deliveredLsn);
      await using second = await streaming(place, { 'snapshot.mode': 'when_needed' });
      await deliver(place, 5);
      await expectWhole(place);
      expect((await second.stop()).exitCode).toBe(0);
      await using third = await streaming(place);
      expect(third.lines.find(({ event }) => event === 'task.start')).toMatchObject({ decision: 'stream' });
    },
  );

  it('after kill -9 is told too, whoever advanced the slot; it can be accepted, once and as it is', async () => {
    await using place = await openPlace(18);
    await using first = await streaming(place);
    await deliver(place, 1);
    await first.kill();
    const deliveredLsn = await untilInactive(place.client, place.name);
    // Killed at any moment it starts again.
    await using second = await streaming(place);
    expect(second.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    await second.kill();
    await untilInactive(place.client, place.name);
    await insert(place.client, 2);
    await place.client.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [place.name]);
    const slotLsn = await confirmedLsn(place.client, place.name);
    const gap = gapOf(await failedRun(place.config({ 'slotline.slot.accept': 'another place' }), 'slot_gap'));
    expect(gap).toMatchObject({ bytes: slotLsn - gap.deliveredLsn, slotLsn });
    expect(gap.deliveredLsn).toBeGreaterThanOrEqual(deliveredLsn);
    {
      await using accepted = await streaming(place, { 'slotline.slot.accept': gap.accept });
      expect(accepted.lines.map(({ event }) => event)).toContain('position.accepted');
      await deliver(place, 3);
      expect((await accepted.stop()).exitCode).toBe(0);
    }
    expect(await published(place)).toEqual(['c 1', 'c 3']);
    // Another reader consumes from it: the same option does not fit any more.
    await insert(place.client, 4);
    const consume = "select pg_logical_slot_get_binary_changes($1::name, null, null, 'proto_version', '1', 'publication_names', $1::text)";
    await place.client.query(consume, [place.name]);
    await failedRun(place.config({ 'slotline.slot.accept': gap.accept }), 'slot_gap');
    await using trusting = await streaming(place, { 'offset.mismatch.strategy': 'trust_slot' });
    expect(trusting.lines.map(({ event }) => event)).toContain('position.accepted');
  });
});

describe.concurrent('a slot of another connector', { timeout: TIMEOUT_MS }, () => {
  it('is refused at once while that runs, and after it has ended; handed over on purpose it is the other one’s', async () => {
    await using place = await openPlace(18);
    const other = `${place.name}_other`;
    const others = { name: other, 'topic.prefix': other };
    await using first = await streaming(place);
    await deliver(place, 1);
    const running = await failedRun(place.config(others), 'slot_in_use');
    expect(running['message']).toContain(`owner=connector ${place.name} with topic.prefix ${place.name}, holder=process `);
    // Another Kafka topic, so that no record names the owner.
    const stranger = await failedRun(place.config({ ...others, 'offset.storage.topic': `${other}.offsets` }), 'slot_in_use');
    expect(stranger['message']).toContain('owner=another connector');
    expect((await first.stop()).exitCode).toBe(0);
    await insert(place.client, 2);
    // The first misses nothing.
    {
      await using again = await streaming(place);
      await expectWhole(place);
      expect((await again.stop()).exitCode).toBe(0);
    }
    await insert(place.client, 3);
    const ended = await failedRun(place.config(others), 'slot_in_use');
    expect(ended['message']).toContain(`owner=connector ${place.name} with topic.prefix ${place.name}`);
    expect(ended['remedy']).toContain('slotline.slot.accept');
    const accept = /accept=(\S+)/.exec(String(ended['message']))?.[1] ?? '';
    {
      await using taker = await streaming(place, { ...others, 'slotline.slot.accept': accept });
      await deliver(place, 4);
      expect((await taker.stop()).exitCode).toBe(0);
    }
    await expectWhole(place, other);
    const former = await failedRun(place.config(), 'slot_in_use');
    expect(former['message']).toContain(`owner=connector ${other} with topic.prefix ${other}`);
  });
});
