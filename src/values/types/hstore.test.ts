/** hstore in both modes, with the order of a Java HashMap. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, convertWith, extension } from '../../../test/oracles/columns.ts';

type Entries = readonly (readonly [string, string | null])[];

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function printed(entries: Entries): string {
  return entries.map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(value)}`).join(', ');
}

/** java.util.HashMap with buckets, resizing and long chains, but without trees. */
class PlainHashMap {
  #buckets: string[][] = Array.from({ length: 16 }, () => []);
  #size = 0;

  static hash(key: string): number {
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0;
    return hash ^ (hash >>> 16);
  }

  put(key: string): void {
    const chain = this.#buckets[PlainHashMap.hash(key) & (this.#buckets.length - 1)];
    if (chain?.includes(key) === true) return;
    chain?.push(key);
    if ((chain?.length ?? 0) > 8 && this.#buckets.length < 64) this.#resize();
    if (++this.#size > this.#buckets.length * 0.75) this.#resize();
  }

  #resize(): void {
    const keys = this.keys();
    const length = this.#buckets.length * 2;
    this.#buckets = Array.from({ length }, () => []);
    for (const key of keys) this.#buckets[PlainHashMap.hash(key) & (length - 1)]?.push(key);
  }

  keys(): string[] {
    return this.#buckets.flat();
  }
}

const TEXT = fc.string({ unit: fc.constantFrom(...'abcdeAa"\\ =>,é\n\u0001😀'), maxLength: 6 });
const ENTRIES = fc.uniqueArray(fc.tuple(TEXT, fc.option(TEXT)), { selector: ([key]) => key, maxLength: 40 });

describe('hstore', () => {
  const json = codecOf(extension('hstore'));
  const map = codecOf(extension('hstore'), { modes: { hstore: 'map' } });

  it('as JSON and as map holds the entries in Java’s order', () => {
    fc.assert(
      fc.property(ENTRIES, (entries) => {
        const order = new PlainHashMap();
        for (const [key] of entries) order.put(key);
        const expected = order.keys().map((key) => [key, new Map(entries).get(key) ?? null] as const);
        expect([...(convertWith(map, printed(entries)) as Map<string, string | null>)]).toStrictEqual(expected);
        const members = expected.map(([key, value]) => `${jackson(key)}:${value === null ? 'null' : jackson(value)}`);
        expect(convertWith(json, printed(entries))).toBe(`{${members.join(',')}}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('orders what Java orders, not what was written', () => {
    expect(convertWith(json, '"key_1"=>"v", "key_2"=>"val 1"')).toBe('{"key_2":"val 1","key_1":"v"}');
    expect(convertWith(json, '')).toBe('{}');
    expect(convertWith(json, '"a"=>NULL')).toBe('{"a":null}');
  });

  it.each(['"a"', '"a"=>', 'a=>1', '"a"=>"1",', '"a"=>"1" "b"=>"2"'])('%s is refused', (text) => {
    expect(() => convertWith(json, text)).toThrow('hstore');
  });

  it('has the schema of its mode', () => {
    expect(json.schema).toStrictEqual({ type: 'string', name: 'io.debezium.data.Json', version: 1, optional: true });
    expect(map.schema).toStrictEqual({
      type: 'map',
      keys: { type: 'string', optional: false },
      values: { type: 'string', optional: true },
      optional: true,
    });
  });
});

/** Jackson escapes control characters in upper-case hex; JSON.stringify in lower case. */
function jackson(text: string): string {
  return JSON.stringify(text).replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`);
}
