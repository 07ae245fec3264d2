import { describe, expect, it } from 'vitest';
import { SlotlineError } from '../../core/errors.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { Fence } from '../positions/fence.ts';
import { AttemptEnd } from './attempt-end.ts';

async function setUp() {
  const fence = new Fence({ clock: SYSTEM_CLOCK, log: SILENT_LOG });
  fence.hold({ state: 'lock', timeoutMs: 60_000, isOurs: async () => true });
  await Promise.resolve();
  const stop = new AbortController();
  const end = new AttemptEnd(fence, stop.signal);
  return { fence, stop, end };
}

describe('the end of an attempt', () => {
  it('closes the fence, and keeps the first reason', async () => {
    const { fence, end } = await setUp();
    end.fail(new SlotlineError('slot_missing', { slot: 's' }));
    end.fail(new SlotlineError('fenced', {}));
    expect([fence.state, end.signal.aborted, end.isStopped]).toEqual(['closed', true, false]);
    expect(end.signal.reason).toMatchObject({ code: 'slot_missing' });
  });

  it('comes at once with a stop before it streams', async () => {
    const { fence, stop, end } = await setUp();
    stop.abort();
    expect([fence.state, end.isStopped]).toEqual(['closed', true]);
    expect(end.signal.reason).toMatchObject({ code: 'stream_ended' });
  });

  it('is left to the reading once it streams', async () => {
    const { fence, stop, end } = await setUp();
    end.streams();
    stop.abort();
    expect([fence.state, end.signal.aborted, end.isStopped]).toEqual(['lock', false, false]);
    fence.close();
  });

  it('leaves no listener on the signal of the connector', async () => {
    const { fence, stop, end } = await setUp();
    end[Symbol.dispose]();
    stop.abort();
    expect(end.signal.aborted).toBe(false);
    fence.close();
  });
});
