/** What `slotline check` says of a schema registry. The registry is a server on loopback that answers as each test tells it. */
import { describe, expect, it } from 'vitest';
import { answer, startMisbehavingRegistry } from '../../../test/avro/misbehaving-registry.ts';
import { formatProblems } from '../../config/problems.ts';
import { resolveConfig } from '../../config/resolve/resolve.ts';
import type { ResolvedOptions } from '../../core/options.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import { checkRegistries } from './registry.ts';

const { signal } = new AbortController();
/** Tables are not asked for where nothing can be done with them. */
const NEVER = new Promise<undefined>(() => {});

const ROW = { type: 'struct', optional: true, name: 'shop.public.a.Value', fields: [] } as const;
const PLAN: RowPlan = {
  relationOid: 1,
  schema: 'public',
  table: 'a',
  topic: 'shop.public.a',
  columns: [],
  key: [],
  keySchema: undefined,
  rowSchema: ROW,
  envelopeSchema: { type: 'struct', optional: false, name: 'shop.public.a.Envelope', fields: [{ field: 'after', schema: ROW }] },
};

function options(more: Readonly<Record<string, string>>): ResolvedOptions {
  const required = {
    'database.hostname': 'h',
    'database.user': 'u',
    'database.dbname': 'd',
    'topic.prefix': 'shop',
    'bootstrap.servers': 'localhost:9092',
  };
  const result = resolveConfig({ ...required, ...more }, { variables: {}, readFile: () => '' });
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  return result.options;
}

describe('the check of the schema registry', () => {
  it('asks once for each half in Avro, and registers nothing', async () => {
    await using server = await startMisbehavingRegistry([answer(404, { error_code: 40401 })]);
    const value = { 'value.converter': 'avro', 'value.converter.schema.registry.url': server.url };
    expect(await checkRegistries(options({}), NEVER, signal)).toEqual([]);
    expect(await checkRegistries(options(value), Promise.resolve([]), signal)).toMatchObject([
      { status: 'ok', what: 'The schema registry of value.converter answers' },
    ]);
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /subjects/shop.message-value/versions/latest']);
  });

  it('says what is wrong and how to mend it', async () => {
    await using server = await startMisbehavingRegistry([answer(401, '')]);
    const both = (url: string): Record<string, string> => ({
      'key.converter': 'avro',
      'key.converter.schema.registry.url': 'http://127.0.0.1:1',
      'value.converter': 'avro',
      'value.converter.schema.registry.url': url,
    });
    expect(await checkRegistries(options(both(server.url)), NEVER, signal)).toMatchObject([
      { check: 'registry.reachable', status: 'fail', code: 'registry_unreachable' },
      {
        check: 'registry.reachable',
        status: 'fail',
        code: 'registry_unauthorized',
        remedy: expect.stringContaining('basic.auth.user.info'),
      },
      { check: 'registry.schemas', status: 'skipped' },
    ]);
  });

  it('says that the schemas were not tried where the tables are not known', async () => {
    await using server = await startMisbehavingRegistry([answer(404, { error_code: 40401 })]);
    const value = { 'value.converter': 'avro', 'value.converter.schema.registry.url': server.url };
    expect(await checkRegistries(options(value), Promise.resolve(undefined), signal)).toMatchObject([
      { check: 'registry.reachable', status: 'ok' },
      { check: 'registry.schemas', status: 'skipped' },
    ]);
  });

  it('ends with one item where the registry goes away in between', async () => {
    await using server = await startMisbehavingRegistry([answer(404, { error_code: 40401 }), answer(503, '')]);
    const value = { 'value.converter': 'avro', 'value.converter.schema.registry.url': server.url };
    const plans = [PLAN, { ...PLAN, table: 'b' }, { ...PLAN, table: 'c' }];
    expect(await checkRegistries(options(value), Promise.resolve(plans), signal)).toMatchObject([
      { check: 'registry.reachable', status: 'ok' },
      { check: 'registry.schemas', status: 'fail', code: 'registry_unreachable' },
    ]);
  });

  it('names each table with a name that Avro cannot hold, and asks nothing for it', async () => {
    await using server = await startMisbehavingRegistry([answer(404, { error_code: 40401 })]);
    const value = { 'value.converter': 'avro', 'value.converter.schema.registry.url': server.url };
    const row = { ...ROW, fields: [{ field: 'a-b', schema: { type: 'string', optional: true } }] } as const;
    const odd = { ...PLAN.envelopeSchema, fields: [{ field: 'after', schema: row }] };
    expect(
      await checkRegistries(options(value), Promise.resolve([PLAN, { ...PLAN, table: 'b', envelopeSchema: odd }]), signal),
    ).toMatchObject([
      { check: 'registry.reachable', status: 'ok' },
      { status: 'ok', what: 'The schemas of 1 of 2 tables fit' },
      { status: 'fail', code: 'avro_name_invalid', where: 'public.b', remedy: expect.stringContaining('field.name.adjustment.mode') },
    ]);
    expect(server.asked).toHaveLength(2);
  });
});
