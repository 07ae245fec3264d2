/** Owns plans of tables whose records are empty, over a catalog in which every table has the key `id`. */
import { LSN_ZERO } from '../../src/core/lsn.ts';
import type { RelationMessage } from '../../src/pgoutput/messages.ts';
import type { Moment } from '../../src/pipeline/loop/relation-facts.ts';
import { type Catalog, TablePlans, type TablePlansDeps } from '../../src/pipeline/loop/table-plans.ts';
import type { TableRecords } from '../../src/pipeline/loop/table-records.ts';
import { testFilter, testPlanSettings } from '../oracles/plan-settings.ts';

export function relation(table: string, columns: readonly string[] = ['id'], oid = 1): Omit<RelationMessage, 'tag'> {
  return {
    oid,
    schema: 'public',
    table,
    replicaIdentity: 'default',
    columns: columns.map((name) => ({ name, typeOid: 23, typmod: -1, inKey: name === 'id' })),
  };
}

export const HALF = { open: async () => {}, write: () => {} };
export const RECORDS: TableRecords = { row: { key: HALF, value: HALF }, truncate: { key: undefined, value: HALF } };

/** Captures public.a alone, or what the pattern says. */
type More = Partial<Omit<TablePlansDeps, 'catalog'>> & { readonly catalog?: Partial<Catalog> };

export function plansOfA(pattern = 'public.a', more: More = {}): TablePlans {
  const filter = testFilter([pattern]);
  const catalog: Catalog = {
    describe: async () => ({
      facts: { primaryKey: ['id'], uniqueIndexes: [], columns: new Map([['id', { notNull: true }]]) },
      typeOf: (oid) => ({ oid, name: 'int4', schema: 'pg_catalog', kind: 'base' }),
    }),
    findDropped: async () => ({ oids: [], endLsn: LSN_ZERO }),
  };
  const settings = testPlanSettings(filter);
  const openTopic = async (name: string) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 });
  const deps = {
    catalog,
    filter,
    settings,
    compile: () => RECORDS,
    openTopic,
    transform: undefined,
    deadLetters: undefined,
    skipUnchanged: false,
  };
  return new TablePlans({ ...deps, ...more, catalog: { ...catalog, ...more.catalog } });
}

/** With a row in it. */
export async function used(plans: TablePlans, described: Omit<RelationMessage, 'tag'>): Promise<void> {
  const known = await plans.learn(described);
  await known?.output.open({ withKey: true });
}

export const SNAPSHOT: Moment = { phase: 'snapshot', facts: { primaryKey: ['id'], uniqueIndexes: [], columns: new Map() } };

/** As a snapshot reads a table. */
export async function read(plans: TablePlans, described: Omit<RelationMessage, 'tag'>): Promise<void> {
  const known = await plans.learn(described, SNAPSHOT);
  plans.forgetStreamed(described.oid);
  await known?.output.open({ withKey: true });
  plans.tableRead(described.oid);
}
