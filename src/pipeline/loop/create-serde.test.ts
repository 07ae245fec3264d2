/** Which schemas are registered for a table, and when, whatever the formats of keys and values. */

import { describe, expect, it } from 'vitest';
import { builtIn } from '../../../test/oracles/columns.ts';
import { testFilter, testPlanSettings } from '../../../test/oracles/plan-settings.ts';
import { tupleOf } from '../../../test/oracles/tuples.ts';
import type { ConverterOptions } from '../../core/options.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import { EventView } from '../../events/event-view.ts';
import { planRows, type RowPlan } from '../../events/row-plan.ts';
import { SourceInfo } from '../../events/source-info.ts';
import type { SubjectSchema } from '../../registry/schema-registry.ts';
import { createSerde } from './create-serde.ts';

const REGISTERED = { registry: {}, autoRegister: true, useLatestVersion: false, subjectNames: 'topic', ignoreDefaults: false };
const CONVERTERS = {
  json: { format: 'json', schemasEnable: true, replaceNullWithDefault: true, decimalFormat: 'BASE64' },
  string: { format: 'string', encoding: 'UTF-8' },
  avro: { ...REGISTERED, format: 'avro', connectMetaData: true, scrubInvalidNames: false, fieldDocs: true },
  json_schema: { ...REGISTERED, format: 'json_schema', decimalFormat: 'BASE64', additionalProperties: true },
  protobuf: { ...REGISTERED, format: 'protobuf', scrubInvalidNames: false, optionalForNullables: false, wrapperForNullables: false },
} as unknown as Readonly<Record<ConverterOptions['format'], ConverterOptions>>;
const FORMATS = ['json', 'string', 'avro', 'json_schema', 'protobuf'] as const;
const PAIRS = FORMATS.flatMap((key) => FORMATS.map((value) => [key, value] as const));

function planOf(primaryKey: readonly string[], column = 'id'): RowPlan {
  const columns = [{ name: column, typeOid: 20, typmod: -1, inKey: true }];
  const facts = { primaryKey, uniqueIndexes: [], columns: new Map([[column, { notNull: true }]]) };
  return planRows({ oid: 1, schema: 'public', table: 't', columns }, facts, () => builtIn('int8'), testPlanSettings(testFilter()));
}

function setUp(key: ConverterOptions['format'], value: ConverterOptions['format'], plan: RowPlan) {
  const subjects: string[] = [];
  const register = async ({ subject }: SubjectSchema): Promise<number> => subjects.push(subject);
  const serde = createSerde({
    options: {
      keyConverter: CONVERTERS[key],
      valueConverter: CONVERTERS[value],
    },
    onFailure: () => {},
    registry: { random: () => 0, onRetry: () => {}, onAnswered: () => {} },
    openRegistry: () => ({ register, lookup: async () => 1, latest: async () => undefined }),
    signal: new AbortController().signal,
  });
  const shapes = new DebeziumShapes({ constants: { version: '1', name: 'srv', db: 'd' }, transactionMetadata: false, binary: 'bytes' });
  const record = serde.compile(shapes.ofTable(plan).row);
  const openKey = async (): Promise<void> => record.key?.open(plan.topic);
  const openValue = async (): Promise<void> => record.value?.open(plan.topic);
  return { subjects, record, openKey, openValue, out: serde.out };
}

const isRegistered = (format: ConverterOptions['format']): boolean => 'registry' in CONVERTERS[format];

describe('schemas of a table', () => {
  it.each(PAIRS)('are registered each by itself with keys in %s and values in %s', async (key, value) => {
    const { subjects, openKey, openValue } = setUp(key, value, planOf(['id']));
    expect(subjects).toEqual([]);
    await openValue();
    expect(subjects).toEqual(isRegistered(value) ? ['srv.public.t-value'] : []);
    await openKey();
    expect(subjects.slice(isRegistered(value) ? 1 : 0)).toEqual(isRegistered(key) ? ['srv.public.t-key'] : []);
  });

  it.each(PAIRS)('have none for the key of a table without one, keys in %s and values in %s', async (key, value) => {
    const { subjects, openKey } = setUp(key, value, planOf([]));
    await openKey();
    expect(subjects).toEqual([]);
  });

  it.each(['avro', 'json_schema', 'protobuf'] as const)('begin each half in %s with the id that it was given', async (format) => {
    const { record, openKey, openValue, out } = setUp(format, format, planOf(['id']));
    await openValue();
    await openKey();
    const head = (write: () => void): number[] => {
      out.reset();
      write();
      return [...out.bytes.subarray(0, 5)];
    };
    const event = new EventView(new SourceInfo(), undefined);
    event.after = tupleOf('7');
    expect(head(() => record.key?.write(event))).toEqual([0, 0, 0, 0, 2]);
    expect(head(() => record.value?.write(event))).toEqual([0, 0, 0, 0, 1]);
  });

  it('of a half that another format writes are not asked for: a name that Avro cannot have is no fault there', async () => {
    const { openKey, openValue } = setUp('avro', 'json', planOf([], 'no name'));
    await openKey();
    await openValue();
    const refused = setUp('json', 'avro', planOf([], 'no name'));
    await expect(refused.openValue()).rejects.toMatchObject({ code: 'avro_name_invalid' });
  });
});
