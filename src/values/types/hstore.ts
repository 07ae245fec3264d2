/**
 * Owns hstore in every hstore.handling.mode.
 */

import { inHashMapOrder, stringHash } from '../../core/java/hash-map-order.ts';
import type { ValueModes } from '../pg-type.ts';
import { cellText, malformed, type TypePlan, textConstant } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';

type HstoreMode = ValueModes['hstore'];

type Entry = readonly [key: string, value: string | null];

const ENTRY = /"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|NULL)(?:, |$)/gsy;

/** `"a"=>"1", "b"=>NULL` in the order of the text. */
function parseHstore(text: string): Entry[] {
  const entries: Entry[] = [];
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const match = ENTRY.exec(text);
    if (match === null) throw malformed('hstore');
    const [, key = '', value] = match;
    entries.push([withoutEscapes(key), value === undefined ? null : withoutEscapes(value)]);
  }
  return entries;
}

function withoutEscapes(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/gs, '$1') : text;
}

/** Debezium's driver fills a java.util.HashMap, in which the last of equal keys wins. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const unique = new Map<string, Entry>();
  for (const entry of entries) unique.set(entry[0], entry);
  return inHashMapOrder([...unique.values()], { hashOf: ([key]) => stringHash(key), compare: ([a], [b]) => (a < b ? -1 : 1) });
}

// --- modes ---

const SHORT_ESCAPES: Record<string, string> = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r' };

/** As Jackson prints strings by default: control characters, quote and backslash escaped, all else as it is. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to escape
  const escaped = text.replace(/[\u0000-\u001f"\\]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return SHORT_ESCAPES[character] ?? `\\u${code}`;
  });
  return `"${escaped}"`;
}

function jsonOf(entries: readonly Entry[]): string {
  const members = entries.map(([key, value]) => `${quoted(key)}:${value === null ? 'null' : quoted(value)}`);
  return `{${members.join(',')}}`;
}

function writeHstoreJson(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const json = Buffer.from(jsonOf(inOrder(parseHstore(cellText(source, start, end)))));
  out.utf8(json, 0, json.length);
}

function writeMap(out: ValueWriter, entries: readonly Entry[]): void {
  out.beginMap();
  for (const [key, value] of entries) {
    const keyBytes = Buffer.from(key);
    out.mapKey(keyBytes, 0, keyBytes.length);
    if (value === null) out.nullValue();
    else {
      const valueBytes = Buffer.from(value);
      out.utf8(valueBytes, 0, valueBytes.length);
    }
  }
  out.endMap();
}

export function hstorePlan(mode: HstoreMode, placeholder: string): TypePlan {
  const placeholderEntries: Entry[] = [[placeholder, placeholder]];
  switch (mode) {
    case 'json':
      return {
        schema: { type: 'string', name: 'io.debezium.data.Json', version: 1 },
        write: writeHstoreJson,
        writeZero: textConstant('{}'),
        writePlaceholder: textConstant(jsonOf(placeholderEntries)),
      };
    case 'map':
      return {
        schema: {
          type: 'map',
          keys: { type: 'string', optional: false },
          values: { type: 'string', optional: true },
        },
        write: (out, source, start, end) => {
          writeMap(out, inOrder(parseHstore(cellText(source, start, end))));
        },
        writeZero: (out) => writeMap(out, []),
        writePlaceholder: (out) => writeMap(out, placeholderEntries),
      };
  }
}
