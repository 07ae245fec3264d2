/** Owns asking a registry what it says of schema changes in Protobuf, and reading what docs/schema-evolution.md says of them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SchemaRegistry } from '../../src/registry/schema-registry.ts';
import { DEFAULT_PROTOBUF_SETTINGS, protobufSchema } from '../../src/serde/protobuf/schema.ts';
import type { FieldSchema, StructField } from '../../src/values/schema.ts';
import { openRegistry, registryOptions } from '../avro/registry-options.ts';
import { uniqueName } from '../harness/shared.ts';

const LEVELS = ['BACKWARD', 'FORWARD', 'FULL'] as const;

const id: StructField = { field: 'id', schema: { type: 'int32', optional: false } };
const note: StructField = { field: 'note', schema: { type: 'string', optional: true } };
const total: StructField = { field: 'total', schema: { type: 'float64', optional: true } };

function as(field: StructField, schema: Partial<FieldSchema>): StructField {
  return { field: field.field, schema: { ...field.schema, ...schema } };
}

/** From a table with `id`, `note` and `total`; several columns of one type where it matters. */
const CHANGES: Readonly<Record<string, readonly StructField[]>> = {
  'add a column': [id, note, total, { ...note, field: 'other' }],
  'drop the last column': [id, note],
  'drop another column': [id, total],
  'rename a column': [id, { ...note, field: 'remark' }, total],
  'widen int to bigint': [as(id, { type: 'int64' }), note, total],
  'change int to text': [as(id, { type: 'string' }), note, total],
  'set or drop NOT NULL': [id, as(note, { optional: false }), total],
};

export async function triedChanges(url: string): Promise<readonly (readonly string[])[]> {
  await using registry = openRegistry(registryOptions([url]));
  const rows: (readonly string[])[] = [];
  for (const [change, after] of Object.entries(CHANGES)) {
    rows.push([change, ...(await Promise.all(LEVELS.map((level) => verdict(registry, { url, level, after }))))]);
  }
  return rows;
}

/** One subject for each, whose level is the test's to set. */
async function verdict(
  registry: SchemaRegistry,
  { url, level, after }: { readonly url: string; readonly level: string; readonly after: readonly StructField[] },
): Promise<string> {
  const { signal } = new AbortController();
  const subject = uniqueName('evolution');
  await registry.register({ subject, schema: envelope([id, note, total]), type: 'PROTOBUF' }, signal);
  const headers = { 'content-type': 'application/json' };
  await fetch(`${url}/config/${subject}`, { method: 'PUT', headers, body: JSON.stringify({ compatibility: level }) });
  return (await registry.isCompatible({ subject, schema: envelope(after), type: 'PROTOBUF' }, signal)) ? 'accepted' : 'refused';
}

function envelope(fields: readonly StructField[]): string {
  const row: FieldSchema = { type: 'struct', optional: true, name: 's.public.t.Value', fields };
  const both = ['before', 'after'].map((field) => ({ field, schema: row }));
  const schema: FieldSchema = { type: 'struct', optional: false, name: 's.public.t.Envelope', fields: both };
  return protobufSchema(schema, { ...DEFAULT_PROTOBUF_SETTINGS, optionalForNullables: true }).text;
}

export function documentedChanges(): readonly (readonly string[])[] {
  const page = readFileSync(fileURLToPath(new URL('../../docs/schema-evolution.md', import.meta.url)), 'utf8');
  const table = /<!-- protobuf:start -->\n(.*?)\n<!-- protobuf:end -->/s.exec(page)?.[1] ?? '';
  const rows = table.split('\n').slice(2);
  return rows.map((row) => row.split('|').slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
}
