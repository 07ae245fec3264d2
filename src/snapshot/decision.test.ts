import { describe, expect, it } from 'vitest';
import { decideStart, type StartDecision, type StartFacts } from './decision.ts';

const rows: [StartFacts['mode'], StartFacts['offset'], StartFacts['slot'], StartDecision['tag'] | string][] = [
  ['initial', 'none', 'missing', 'snapshotNewSlot'],
  ['initial', 'none', 'usable', 'snapshotExistingSlot'],
  ['initial', 'none', 'lost', 'refuse slot_lost'],
  ['initial', 'incomplete', 'usable', 'snapshotExistingSlot'],
  ['initial', 'complete', 'usable', 'stream'],
  ['initial', 'complete', 'missing', 'refuse slot_missing'],
  ['initial', 'complete', 'lost', 'refuse slot_lost'],
  ['no_data', 'none', 'missing', 'createSlot'],
  ['no_data', 'none', 'usable', 'stream'],
  ['no_data', 'complete', 'missing', 'refuse slot_missing'],
  ['no_data', 'complete', 'lost', 'refuse slot_lost'],
  ['initial_only', 'none', 'missing', 'snapshotOnly'],
  ['initial_only', 'complete', 'missing', 'nothing'],
  ['always', 'complete', 'usable', 'snapshotExistingSlot'],
  ['always', 'complete', 'missing', 'snapshotNewSlot'],
  ['always', 'complete', 'lost', 'refuse slot_lost'],
  ['when_needed', 'none', 'usable', 'snapshotExistingSlot'],
  ['when_needed', 'complete', 'usable', 'stream'],
  ['when_needed', 'complete', 'missing', 'snapshotNewSlot'],
  ['when_needed', 'complete', 'lost', 'snapshotNewSlot and drop'],
];

const shown = (decision: StartDecision): string => {
  if (decision.tag === 'refuse') return `refuse ${decision.code}`;
  return decision.tag === 'snapshotNewSlot' && decision.dropFirst ? 'snapshotNewSlot and drop' : decision.tag;
};

describe('how a start begins', () => {
  it.each(rows)('%s, offset %s, slot %s: %s', (mode, offset, slot, expected) => {
    expect(shown(decideStart({ mode, offset, slot, broken: undefined, snapshotTaken: false }))).toBe(expected);
  });

  it('always: a reconnect of the same process streams on', () => {
    expect(decideStart({ mode: 'always', offset: 'complete', slot: 'usable', broken: undefined, snapshotTaken: true }).tag).toBe('stream');
  });

  it.each([
    ['initial', 'complete', 'refuse slot_gap'],
    ['no_data', 'complete', 'refuse slot_gap'],
    ['always', 'complete', 'snapshotExistingSlot'],
    ['initial', 'incomplete', 'snapshotExistingSlot'],
    ['when_needed', 'complete', 'snapshotExistingSlot'],
  ] as const)('%s, offset %s, a slot behind a gap: %s', (mode, offset, expected) => {
    expect(shown(decideStart({ mode, offset, slot: 'usable', broken: 'slot_gap', snapshotTaken: false }))).toBe(expected);
  });

  it('always: a reconnect of the same process does not stream over a gap', () => {
    const facts = { mode: 'always', offset: 'complete', slot: 'usable', broken: 'slot_gap', snapshotTaken: true } as const;
    expect(shown(decideStart(facts))).toBe('refuse slot_gap');
  });
});
