import { describe, expect, it } from 'vitest';
import type { NamedSchema } from '../serde/registered-format.ts';
import { SchemaIds, type SchemaIdsDeps, subjectName } from './schema-ids.ts';
import type { RegisteredSchema, SubjectSchema } from './schema-registry.ts';

const SCHEMA: NamedSchema = {
  name: 'shop.orders.Envelope',
  text: '{"type":"record","name":"E","fields":[{"name":"a","type":"int"}]}',
  type: 'AVRO',
};

type Calls = { readonly registry: SchemaIdsDeps['registry']; readonly registered: SubjectSchema[] };

/** A registry that knows one version. */
function registryWith(latest: RegisteredSchema | undefined): Calls {
  const registered: SubjectSchema[] = [];
  const registry = {
    register: async (wanted: SubjectSchema): Promise<number> => registered.push(wanted),
    lookup: async ({ schema }: SubjectSchema): Promise<number | undefined> => (latest?.schema === schema ? latest.id : undefined),
    latest: async (): Promise<RegisteredSchema | undefined> => latest,
  };
  return { registry, registered };
}

function ids({ registry }: Calls, options: Partial<SchemaIdsDeps['options']>): SchemaIds {
  const { signal } = new AbortController();
  return new SchemaIds({
    registry,
    options: { autoRegister: true, useLatestVersion: false, subjectNames: 'topic', ...options },
    half: 'value',
    signal,
  });
}

describe('the id of a schema', () => {
  it('is that of the registration, under the subject that the strategy names', async () => {
    const calls = registryWith(undefined);
    expect(await ids(calls, {}).idOf('shop.orders', SCHEMA)).toBe(1);
    expect(calls.registered).toEqual([{ subject: 'shop.orders-value', schema: SCHEMA.text, type: 'AVRO' }]);
    const place = { topic: 'shop.orders', half: 'key', record: 'shop.orders.Key' } as const;
    expect((['topic', 'record', 'topic_record'] as const).map((strategy) => subjectName(strategy, place))).toEqual([
      'shop.orders-key',
      'shop.orders.Key',
      'shop.orders-shop.orders.Key',
    ]);
  });

  it('is looked up without auto.register.schemas; a schema that is not there is an error', async () => {
    const known = registryWith({ id: 7, version: 1, schema: SCHEMA.text });
    expect(await ids(known, { autoRegister: false }).idOf('shop.orders', SCHEMA)).toBe(7);
    await expect(ids(registryWith(undefined), { autoRegister: false }).idOf('shop.orders', SCHEMA)).rejects.toMatchObject({
      code: 'registry_schema_missing',
      details: { subject: 'shop.orders-value' },
    });
    expect(known.registered).toEqual([]);
  });

  it('is that of the latest version only where records have its shape', async () => {
    const options = { autoRegister: false, useLatestVersion: true };
    const documented = SCHEMA.text.replace('"type":"int"', '"type":"int","doc":"key"');
    expect(await ids(registryWith({ id: 7, version: 3, schema: documented }), options).idOf('shop.orders', SCHEMA)).toBe(7);
    const other = SCHEMA.text.replace('"int"', '"long"');
    await expect(ids(registryWith({ id: 8, version: 4, schema: other }), options).idOf('shop.orders', SCHEMA)).rejects.toMatchObject({
      code: 'registry_incompatible',
      details: { subject: 'shop.orders-value', version: 4, fields: ['a: int, was long'] },
    });
    await expect(ids(registryWith(undefined), options).idOf('shop.orders', SCHEMA)).rejects.toMatchObject({
      code: 'registry_schema_missing',
    });
  });
});
