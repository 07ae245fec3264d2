import { describe, expect, it } from 'vitest';
import { ChainRunner, jsonOf } from '../../../test/transforms/chain-runner.ts';

const COLUMNS = [
  { name: 'id', type: 'int4' },
  { name: 'z', type: 'timestamptz' },
  { name: 'q', type: 'timestamp', defaultExpression: "'1970-01-01 02:00:00'::timestamp without time zone" },
] as const;
const ROW = ['1', '2024-01-01 12:00:00+00', '1970-01-01 02:00:00'] as const;
const ZONE = { type: 'io.debezium.transforms.TimezoneConverter', 'converted.timezone': '+02:00' };

function runner(options: Record<string, string> = {}): ChainRunner {
  return new ChainRunner({ columns: COLUMNS, stages: [{ ...ZONE, ...options }] });
}

const CHANGED_Z = '2024-01-01T14:00:00+02:00';
const SAME_Z = '2024-01-01T12:00:00.000000Z';
const SAME_Q = 7_200_000_000;

async function after(options: Record<string, string>): Promise<unknown> {
  const sent = jsonOf((await runner(options).create(...ROW))?.value) as { after: { z: string; q: number } };
  return [sent.after.z, sent.after.q];
}

describe('times of rows', () => {
  const CASES: readonly (readonly [Record<string, string>, readonly unknown[]])[] = [
    [{}, [CHANGED_Z, 0]],
    [{ 'include.list': 'source:t' }, [CHANGED_Z, 0]],
    [{ 'include.list': 'source:other' }, [SAME_Z, SAME_Q]],
    [{ 'include.list': 'source:t:z' }, [CHANGED_Z, SAME_Q]],
    [{ 'include.list': 'source:t:after.q' }, [SAME_Z, 0]],
    [{ 'include.list': 'source:t:before.q' }, [SAME_Z, SAME_Q]],
    [{ 'include.list': 'topic:srv.public.t:q' }, [SAME_Z, 0]],
    [{ 'include.list': 't:q' }, [SAME_Z, 0]],
    [{ 'include.list': 'source:other:z, t:q' }, [SAME_Z, 0]],
    [{ 'include.list': 'topic:other:z, t:q' }, [SAME_Z, SAME_Q]],
    [{ 'exclude.list': 'source:t' }, [SAME_Z, SAME_Q]],
    [{ 'exclude.list': 'source:t:z' }, [SAME_Z, 0]],
    [{ 'exclude.list': 'source:other' }, [CHANGED_Z, 0]],
  ];
  it.each(CASES)('are converted as %j says', async (options, expected) => {
    const [z, q] = (await after(options)) as [string, number];
    expect([z.replace('.000000', ''), q]).toEqual(
      expected.map((value) => (typeof value === 'string' ? value.replace('.000000', '') : value)),
    );
  });

  it('include those of old rows, and a default in the place of a null', async () => {
    const one = runner();
    const [update] = await one.send({ kind: 'update', before: ['1', null, null], after: ['1', null, '1970-01-01 03:00:00'] });
    expect(jsonOf(update?.value)).toMatchObject({ before: { z: null, q: 0 }, after: { z: null, q: 3_600_000_000 } });
    const [deleted, tombstone] = await one.send({ kind: 'delete', before: ROW });
    expect(jsonOf(deleted?.value)).toMatchObject({ before: { q: 0 }, after: null });
    expect(tombstone?.value).toBeNull();
    expect((await one.message('p', 'c'))?.topic).toBe('srv.message');
  });

  it('of the source are converted where one is named', async () => {
    const source = async (options: Record<string, string>): Promise<unknown> =>
      (jsonOf((await runner(options).create(...ROW))?.value) as { source: { ts_ms: number } }).source.ts_ms;
    expect(await source({})).toBe(1_600_000_000_000);
    expect(await source({ 'include.list': 'source:t:source.ts_ms' })).toBe(1_600_007_200_000);
    expect(await source({ 'exclude.list': 'source:t:source.ts_us' })).toBe(1_600_007_200_000);
  });

  it('need lists that Debezium would take', () => {
    expect(() => runner({ 'include.list': 't' })).toThrow('Invalid include list format');
    expect(() => runner({ 'exclude.list': 'topic:a-b' })).toThrow('Invalid exclude list format');
    expect(() => runner({ 'include.list': 'source:t', 'exclude.list': 'source:t' })).toThrow('Both include and exclude lists');
  });
});
