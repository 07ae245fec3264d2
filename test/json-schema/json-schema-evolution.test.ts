/** The table of docs/schema-evolution.md about JSON Schema: each row is asked of a real registry. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SchemaRegistry } from '../../src/registry/schema-registry.ts';
import { jsonSchemaText } from '../../src/serde/json-schema/schema-text.ts';
import type { FieldSchema, StructField } from '../../src/values/schema.ts';
import { openRegistry, registryOptions } from '../avro/registry-options.ts';
import { sharedRegistry } from '../harness/registry.ts';
import { uniqueName } from '../harness/shared.ts';

const REGISTRY_START_MS = 150_000;
const LEVELS = ['BACKWARD', 'FORWARD', 'FULL'] as const;
const { signal } = new AbortController();

const id: StructField = { field: 'id', schema: { type: 'int32', optional: false } };
const note: StructField = { field: 'note', schema: { type: 'string', optional: true } };

function as(field: StructField, schema: Partial<FieldSchema>): StructField {
  return { field: field.field, schema: { ...field.schema, ...schema } };
}

/** From a table with `id` and `note`, the other way round where a row speaks of both. */
const CHANGES: Readonly<Record<string, readonly (readonly StructField[])[]>> = {
  'add a column': [
    [id, note, { ...note, field: 'other' }],
    [id, note, as({ ...note, field: 'other' }, { optional: false })],
  ],
  'drop a column': [[id]],
  'rename a column': [[id, { ...note, field: 'remark' }]],
  'widen int to bigint': [[as(id, { type: 'int64' }), note]],
  'change int to text': [[as(id, { type: 'string' }), note]],
  'set or drop NOT NULL': [
    [id, as(note, { optional: false })],
    [as(id, { optional: true }), note],
  ],
};

let place: Awaited<ReturnType<typeof sharedRegistry>>;
let registry: SchemaRegistry;
beforeAll(async () => {
  place = await sharedRegistry();
  registry = openRegistry(registryOptions([place.url]));
}, REGISTRY_START_MS);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

function envelope(fields: readonly StructField[], additionalProperties: boolean): string {
  const row: FieldSchema = { type: 'struct', optional: true, name: 'row', fields };
  const both = ['before', 'after'].map((field) => ({ field, schema: row }));
  return jsonSchemaText({ type: 'struct', optional: false, name: 'envelope', fields: both }, { decimals: 'BASE64', additionalProperties });
}

/** One subject for each, whose level is the test's to set. */
async function verdict(level: string, after: readonly StructField[], additionalProperties: boolean): Promise<string> {
  const subject = uniqueName('evolution');
  await registry.register({ subject, schema: envelope([id, note], additionalProperties), type: 'JSON' }, signal);
  const headers = { 'content-type': 'application/json' };
  await fetch(`${place.url}/config/${subject}`, { method: 'PUT', headers, body: JSON.stringify({ compatibility: level }) });
  const taken = await registry.isCompatible({ subject, schema: envelope(after, additionalProperties), type: 'JSON' }, signal);
  return taken ? 'accepted' : 'refused';
}

async function tried(change: string, additionalProperties: boolean): Promise<readonly string[]> {
  const verdicts = LEVELS.map(async (level) => {
    const each = await Promise.all((CHANGES[change] ?? []).map((after) => verdict(level, after, additionalProperties)));
    return [...new Set(each)].join(' or ');
  });
  return await Promise.all(verdicts);
}

function documented(): readonly (readonly string[])[] {
  const page = readFileSync(fileURLToPath(new URL('../../docs/schema-evolution.md', import.meta.url)), 'utf8');
  const table = /<!-- json-schema:start -->\n(.*?)\n<!-- json-schema:end -->/s.exec(page)?.[1] ?? '';
  const rows = table.split('\n').slice(2);
  return rows.map((row) => row.split('|').slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
}

describe('a change of a table in JSON Schema', () => {
  const rows = documented();

  it('is in the table whenever it is tried', () => {
    expect([...new Set(rows.map(([change]) => change))]).toEqual(Object.keys(CHANGES));
  });

  it.each(rows.map(([change = '', model = '', ...levels]) => ({ change, model, levels })))(
    '"$change" with object.additional.properties $model is $levels',
    async ({ change, model, levels }) => {
      const models = model === 'both' ? [true, false] : [model === 'true'];
      for (const additionalProperties of models) expect(await tried(change, additionalProperties)).toEqual(levels);
    },
  );
});
