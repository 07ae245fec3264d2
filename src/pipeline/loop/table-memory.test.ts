/** How much memory many tables take: plans, comparers and serializers in each format, with real types. Topics are not counted here. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { builtIn } from '../../../test/oracles/columns.ts';
import { testFilter, testPlanSettings } from '../../../test/oracles/plan-settings.ts';
import { itemAt } from '../../core/byte-reader.ts';
import { LSN_ZERO } from '../../core/lsn.ts';
import type { ConverterOptions } from '../../core/options.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { TableFacts } from '../../events/row-plan.ts';
import { createSerde } from './create-serde.ts';
import type { Relation } from './relation-facts.ts';
import { TablePlans } from './table-plans.ts';
import { compileTable } from './table-records.ts';

const TABLES = 1_000;
const TYPES = ['int8', 'text', 'varchar', 'numeric', 'timestamptz', 'jsonb', 'bool', 'uuid'].map(builtIn);
const KIB = 1024;
/** Many, for each keeps little beside what the test itself leaves. */
const READ_TABLES = 4_000;
/** Less than a plan has. */
const READ_KIB_MAX = 2;
const DESCRIBED_KIB_MAX = 4.5;
const TEST_MS = 60_000;

const JSON_PLAIN = { format: 'json', schemasEnable: false, replaceNullWithDefault: true, decimalFormat: 'BASE64' } as const;
const REGISTERED = { registry: {}, autoRegister: true, useLatestVersion: false, subjectNames: 'topic', ignoreDefaults: false };
const AVRO = { ...REGISTERED, format: 'avro', connectMetaData: true, scrubInvalidNames: false, fieldDocs: true };

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes in use after a garbage collection. */
function bytesInUse(): number {
  collect();
  // What the first has found to be garbage may be swept later.
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function createPlans(converter: ConverterOptions): TablePlans {
  const filter = testFilter();
  const shapes = new DebeziumShapes({ constants: { version: '1', name: 'srv', db: 'd' }, transactionMetadata: false, binary: 'bytes' });
  const serde = createSerde({
    options: { keyConverter: converter, valueConverter: converter },
    onFailure: () => {},
    registry: { random: () => 0, onRetry: () => {}, onAnswered: () => {} },
    openRegistry: () => ({ register: async () => 1, lookup: async () => 1, latest: async () => undefined }),
    signal: new AbortController().signal,
  });
  const columns = new Map([['c0', { notNull: true }]]);
  return new TablePlans({
    catalog: {
      describe: async () => ({ facts: { primaryKey: ['c0'], uniqueIndexes: [], columns }, typeOf: (oid) => itemAt(TYPES, oid) }),
      findDropped: async () => ({ oids: [], endLsn: LSN_ZERO }),
    },
    filter,
    settings: testPlanSettings(filter),
    compile: (plan) => compileTable(plan, shapes, serde),
    openTopic: async (name) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 }),
    transform: undefined,
    deadLetters: undefined,
    skipUnchanged: true,
  });
}

function relation(oid: number): Relation {
  const columns = TYPES.map((_type, index) => ({ name: `c${index}`, typeOid: index, typmod: -1, inKey: index === 0 }));
  return { oid, schema: 'public', table: `t${oid}`, replicaIdentity: 'default', columns };
}

describe('many tables', () => {
  it.each([
    ['JSON', JSON_PLAIN, 13],
    ['JSON with schemas', { ...JSON_PLAIN, schemasEnable: true }, 18],
    ['Avro', AVRO, 14],
    ['text', { format: 'string', encoding: 'UTF-8' }, 11],
  ])('with a record each in %s stay small', { timeout: TEST_MS }, async (format, converter, kibibytesMax) => {
    const before = bytesInUse();
    const plans = createPlans(converter as unknown as ConverterOptions);
    for (let oid = 1; oid <= TABLES; oid++) {
      const known = await plans.learn(relation(oid));
      await known?.output.open({ withKey: true });
    }
    const each = (bytesInUse() - before) / TABLES / KIB;

    expect(plans.size).toBe(TABLES);
    expect(each, `KiB for each table in ${format}`).toBeLessThan(kibibytesMax);
  });

  it('without a record keep little, because columns that are alike share a codec', { timeout: TEST_MS }, async () => {
    const before = bytesInUse();
    const plans = createPlans(JSON_PLAIN as unknown as ConverterOptions);
    for (let oid = 1; oid <= TABLES; oid++) await plans.learn(relation(oid));
    const each = (bytesInUse() - before) / TABLES / KIB;
    expect(plans.size).toBe(TABLES);
    expect(each, 'KiB for each table').toBeLessThan(DESCRIBED_KIB_MAX);
  });

  it('that a snapshot has read keep no plan until the stream describes them', { timeout: TEST_MS }, async () => {
    const plans = createPlans(JSON_PLAIN as unknown as ConverterOptions);
    const facts: TableFacts = { primaryKey: ['c0'], uniqueIndexes: [], columns: new Map([['c0', { notNull: true }]]) };
    const read = async (oid: number): Promise<void> => {
      const known = await plans.learn(relation(oid), { phase: 'snapshot', facts });
      await known?.output.open({ withKey: true });
      plans.tableRead(oid);
    };
    // What is there once for all tables is not of them.
    for (let oid = 1; oid <= TABLES; oid++) await read(oid);
    const before = bytesInUse();
    for (let oid = TABLES + 1; oid <= TABLES + READ_TABLES; oid++) await read(oid);
    const each = (bytesInUse() - before) / READ_TABLES / KIB;
    expect(plans.size).toBe(TABLES + READ_TABLES);
    expect(each, 'KiB for each table').toBeLessThan(READ_KIB_MAX);
  });
});
