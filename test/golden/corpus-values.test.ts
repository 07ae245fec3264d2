/** The corpus itself, read and printed again: what the comparison of other formats rests on loses nothing of a record. */
import { describe, expect, it } from 'vitest';
import { readGroups } from './case-store.ts';
import { corpusText, expectedRecords, printRecords, RecordSchemas, twosComplement } from './corpus-values.ts';
import { type GoldenCase, SCHEMAS_SUFFIX } from './replay-cases.ts';

const TWINS = readGroups().flatMap(({ cases }) => cases.filter(({ name }) => name.endsWith(SCHEMAS_SUFFIX)));

/** Nothing but the payload stands behind the schema. */
function payload(half: unknown): string | null {
  if (typeof half !== 'string') return null;
  const marks = [...half.matchAll(/,"payload":/g)];
  const mark = marks.find(({ index }) => isWhole(half.slice(0, index)));
  return half.slice((mark?.index ?? 0) + ',"payload":'.length, -1);
}

function isWhole(start: string): boolean {
  try {
    JSON.parse(`${start}}`);
    return true;
  } catch {
    return false;
  }
}

/** Maps are sorted, so the characters are the same and not their order. */
function letters(text: string | null): string | null {
  return text === null ? null : [...text].sort().join('');
}

function hasMaps({ records }: GoldenCase): boolean {
  return records.some(({ key, value }) => `${key}${value}`.includes('"type":"map"'));
}

describe('the form that formats are compared in', () => {
  it.each(TWINS)('prints $name as it was recorded', (twin) => {
    const numeric = Object.entries(twin.settings).some(([name, value]) => name.endsWith('decimal.format') && value === 'NUMERIC');
    const same = hasMaps(twin) ? letters : (text: string | null) => text;
    expectedRecords(twin).forEach(({ key, value }, i) => {
      if (numeric) return;
      expect(same(key)).toBe(same(payload(twin.records[i]?.key)));
      expect(same(value)).toBe(same(payload(twin.records[i]?.value)));
    });
  });

  it('takes what decoders give in any of its forms', () => {
    const map = { type: 'map', keys: { type: 'int16' }, values: { type: 'double' } };
    const printed = '[[1,0.5],[2,"NaN"]]';
    expect(
      corpusText(
        new Map([
          [2, Number.NaN],
          [1, 0.5],
        ]),
        map,
      ),
    ).toBe(printed);
    expect(
      corpusText(
        [
          [2n, 'NaN'],
          [1, 0.5],
        ],
        map,
      ),
    ).toBe(printed);
    expect(
      corpusText(
        [
          { key: 2, value: 'NaN' },
          { key: '1', value: 0.5 },
        ],
        map,
      ),
    ).toBe(printed);
    expect(corpusText({ b: null, a: 'x' }, { type: 'map', keys: { type: 'string' }, values: { type: 'string' } })).toBe(
      '{"a":"x","b":null}',
    );
    expect(corpusText(Buffer.from([0xff]), { type: 'bytes' })).toBe('"/w=="');
    expect(corpusText('/w==', { type: 'bytes' })).toBe('"/w=="');
    expect(corpusText(9223372036854775807n, { type: 'int64' })).toBe('9223372036854775807');
  });

  it('refuses what the schema does not say', () => {
    expect(() => corpusText({ a: 1, b: 2 }, { type: 'struct', fields: [{ type: 'int32', field: 'a' }] })).toThrow('has no field b');
    expect(() => corpusText(2 ** 53, { type: 'int64' })).toThrow('an integer is expected');
    expect(() => corpusText(1, { type: 'string' })).toThrow('text is expected');
  });

  it('reads decimals that were recorded as numbers', () => {
    const schema = { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '2' }, field: 'd' };
    const record = (payload: string): string =>
      `{"schema":${JSON.stringify({ type: 'struct', fields: [schema] })},"payload":{"d":${payload}}}`;
    const twin: GoldenCase = {
      name: 'x',
      settings: {},
      setup: [],
      steps: [],
      records: ['-1.5', '2.00', '1E+3', 'null'].map((text) => ({ topic: 't', partition: 0, key: null, value: record(text), headers: [] })),
    };
    const unscaled = [-150n, 200n, 100_000n].map((value) => `{"d":"${twosComplement(value).toString('base64')}"}`);
    expect(expectedRecords(twin).map(({ value }) => value)).toEqual([...unscaled, '{"d":null}']);
  });

  it('gives a record the schema of the one at its place, and prints what has none as it is', () => {
    const half = '{"schema":{"type":"struct","fields":[{"type":"int64","field":"a b"}]},"payload":{"a b":1}}';
    const twin: GoldenCase = {
      name: 'x',
      settings: {},
      setup: [],
      steps: [],
      records: [{ topic: 'old.t', partition: 0, key: half, value: null, headers: [] }],
    };
    const form = {
      field: (name: string) => name.replace(' ', '_'),
      rename: ({ records }: GoldenCase) => records.map((record) => ({ ...record, topic: 'new.t' })),
    };
    expect(expectedRecords(twin, form)[0]).toMatchObject({ topic: 'new.t', key: '{"a_b":1}', value: null });
    const got = [
      { topic: 'new.t', partition: 0, key: { a_b: 1n }, value: null, headers: [] },
      { topic: 'new.t', partition: 0, key: { a_b: 2n }, value: null, headers: [] },
      { topic: 'new.message', partition: 0, key: { prefix: 'end' }, value: null, headers: [] },
    ];
    const printed = printRecords(got, new RecordSchemas(twin, form));
    expect(printed.map(({ key }) => key)).toEqual(['{"a_b":1}', '{"a_b":2}', '{"prefix":"end"}']);
  });
});
