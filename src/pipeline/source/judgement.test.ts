/** What each difference between two looks at the source means. test/faults/source-changes.test.ts tests the same on a server. */
import { describe, expect, it } from 'vitest';
import { LSN_ZERO } from '../../core/lsn.ts';
import { compileFilter } from '../../events/filter.ts';
import type { SourceFacts, SourceMember, SourcePublication, SourceTable } from '../../postgres/catalog/source-facts.ts';
import { type JudgementRules, judgeSource, standingTroubles } from './judgement.ts';

const LISTS = {
  schemaInclude: [],
  schemaExclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
  tableIgnoreBuiltin: true,
};

function rules(tableInclude: readonly string[] = ['public\\.items', 'public\\.other'], readsTables = false): JudgementRules {
  return { filter: compileFilter({ ...LISTS, tableInclude }), skipped: new Set(['t']), readsTables };
}

function table(oid: number, name: string, more: Partial<SourceTable> = {}): SourceTable {
  const plain = { schema: 'public', isPartitioned: false, isUnlogged: false, identity: 'default', parent: undefined } as const;
  return { ...plain, oid, table: name, wasMoved: false, isReadable: true, ...more };
}

function member(oid: number, of: number, more: Partial<SourceMember> = {}): SourceMember {
  return { oid, table: of, isFirst: true, filter: undefined, columns: undefined, ...more };
}

const PUBLICATION: SourcePublication = {
  oid: 1,
  isFirst: true,
  version: '700',
  owner: '10',
  allTables: false,
  viaPartitionRoot: false,
  operations: ['insert', 'update', 'delete', 'truncate'],
  generatedColumns: false,
  members: [member(11, 101), member(12, 102)],
  schemas: [],
};
const ALL: SourcePublication = { ...PUBLICATION, allTables: true, members: [] };

function facts(
  publication: SourcePublication | undefined,
  tables: readonly SourceTable[] = [table(101, 'items'), table(102, 'other')],
): SourceFacts {
  const wal = { fromLsn: LSN_ZERO, toLsn: LSN_ZERO, fingerprint: '' };
  const role = { mayReplicate: true, mayConnect: true };
  return { ...wal, publication, tables: new Map(tables.map((one) => [one.oid, one])), role, freeSlots: 1, freeWalsenders: 1 };
}

function judged(before: SourceFacts, after: SourceFacts, by: JudgementRules = rules()): string[] {
  return judgeSource(before, after, by).map(({ severity, kind, tables }) => `${severity} ${kind} ${tables.join(',')}`.trim());
}

describe('the publication', () => {
  const whole = facts(PUBLICATION);
  const changed = (more: Partial<SourcePublication>): string[] => judged(whole, facts({ ...PUBLICATION, version: '701', ...more }));

  it('that is gone, or was made again, loses rows of every captured table; made again within one transaction it does not', () => {
    expect(judged(whole, facts(undefined))).toEqual(['loss publication_dropped public.items,public.other']);
    const members = [member(21, 101), member(22, 102)];
    expect(changed({ oid: 2, members })).toEqual(['loss publication_replaced public.items,public.other']);
    expect(changed({ oid: 2, members, isFirst: false })).toEqual(['warning publication_replaced_at_once public.items,public.other']);
    expect(judged(facts(undefined), whole)).toEqual([]);
  });

  it('that sends fewer operations loses rows, unless they are left out anyway; more operations lose none', () => {
    expect(changed({ operations: ['insert'] })).toEqual(['loss operations_left public.items,public.other']);
    expect(changed({ operations: ['insert', 'update', 'delete'] })).toEqual([]);
    const narrow = facts({ ...PUBLICATION, operations: ['insert'] });
    expect(judged(narrow, whole)).toEqual(['info operations_added public.items,public.other']);
  });

  it('that was altered and is as before is a warning; another owner is no change', () => {
    expect(changed({})).toEqual(['warning publication_touched']);
    expect(changed({ owner: '11' })).toEqual([]);
  });

  it('that loses, drops and takes back, or narrows a table loses rows of that one', () => {
    const items = member(11, 101);
    expect(changed({ version: '700', members: [items] })).toEqual(['loss table_left public.other']);
    expect(changed({ version: '700', members: [items, member(13, 102)] })).toEqual(['loss table_left_and_back public.other']);
    expect(changed({ version: '700', members: [items, member(13, 102, { isFirst: false })] })).toEqual([
      'warning table_member_replaced public.other',
    ]);
    const narrowed = (more: Partial<SourceMember>): string[] =>
      changed({ version: '700', members: [items, member(13, 102, { isFirst: false, ...more })] });
    expect(narrowed({ filter: 'x' })).toEqual(['loss row_filter_changed public.other']);
    expect(narrowed({ columns: [1] })).toEqual(['loss columns_left public.other']);
  });

  it('that sends more rows or columns of a table than before is only reported', () => {
    const before = facts({ ...PUBLICATION, members: [member(11, 101, { filter: 'x' }), member(12, 102, { columns: [1] })] });
    const after = facts({
      ...PUBLICATION,
      members: [member(13, 101, { isFirst: false }), member(14, 102, { columns: [1, 2], isFirst: false })],
    });
    expect(judged(before, after)).toEqual(['info row_filter_dropped public.items', 'info columns_added public.other']);
  });
});

describe('a table', () => {
  const before = facts(ALL, [table(101, 'items'), table(103, 'items_new')]);
  const changedTo = (...tables: SourceTable[]): string[] => judged(before, facts(ALL, tables));

  it('that takes the name of a captured one loses what it held before, also where it was made and renamed between two looks', () => {
    expect(changedTo(table(103, 'items', { wasMoved: true }))).toEqual(['loss table_replaced public.items']);
    expect(changedTo(table(104, 'items', { wasMoved: true }), table(103, 'items_new'))).toEqual(['loss table_replaced public.items']);
    const both = rules(['public\\..*']);
    expect(judged(before, facts(ALL, [table(103, 'items', { wasMoved: true })]), both)).toEqual(['loss table_replaced public.items']);
  });

  it('that was dropped and made again under the same name loses none, and neither does a new one or one that is dropped', () => {
    expect(changedTo(table(104, 'items'), table(103, 'items_new'))).toEqual(['info table_made_again public.items']);
    expect(changedTo(table(101, 'items'), table(103, 'items_new'), table(105, 'other'))).toEqual(['info table_new public.other']);
    expect(changedTo(table(103, 'items_new'))).toEqual([]);
  });

  it('that is unlogged now loses rows; one that is renamed away, or in, needs a look', () => {
    expect(changedTo(table(101, 'items', { isUnlogged: true }))).toEqual(['loss table_unlogged public.items']);
    expect(changedTo(table(101, 'past', { wasMoved: true }))).toEqual(['warning table_renamed_away public.items']);
    expect(changedTo(table(101, 'items'), table(103, 'other', { wasMoved: true }))).toEqual(['warning table_joined public.other']);
  });

  it('that joins the publication after its creation lacks what was written in between', () => {
    const one = facts({ ...PUBLICATION, members: [member(11, 101)] }, [table(101, 'items')]);
    const two = facts(PUBLICATION);
    expect(judged(one, two)).toEqual(['warning table_joined public.other']);
  });

  it('with another replica identity is reported, and is a warning where updates are refused', () => {
    expect(changedTo(table(101, 'items', { identity: 'full' }))).toEqual(['info replica_identity_full public.items']);
    expect(changedTo(table(101, 'items', { identity: 'nothing' }))).toEqual(['warning replica_identity_nothing public.items']);
  });
});

describe('partitions', () => {
  const root = table(110, 'items', { isPartitioned: true });
  const leaf = (oid: number, name: string): SourceTable => table(oid, name, { parent: 110 });

  it.each([true, false])('come and go under a published root without an alarm, via the root: %s', (viaPartitionRoot) => {
    const publication = { ...PUBLICATION, viaPartitionRoot, members: [member(11, 110)] };
    const before = facts(publication, [root, leaf(111, 'items_1'), leaf(112, 'items_2')]);
    const by = rules(viaPartitionRoot ? ['public\\.items'] : ['public\\.items_\\d']);
    expect(judged(before, facts(publication, [root, leaf(112, 'items_2'), leaf(113, 'items_3')]), by)).toEqual([
      `info table_new public.${viaPartitionRoot ? 'items' : 'items_3'}`,
    ]);
  });

  it('that are detached are told; with publish_via_partition_root switched, a captured root alone gets no rows', () => {
    const publication = { ...PUBLICATION, viaPartitionRoot: true, members: [member(11, 110)] };
    const before = facts(publication, [root, leaf(111, 'items_1')]);
    expect(judged(before, facts(publication, [root, table(111, 'items_1')]))).toEqual(['info partition_detached public.items']);
    const switched = facts({ ...publication, viaPartitionRoot: false }, [root, leaf(111, 'items_1')]);
    expect(judged(before, switched)).toEqual(['loss partition_root_changed public.items']);
  });
});

it('rights that are lost are warned of, and stand until they are back', () => {
  const before = facts(PUBLICATION);
  const after = { ...before, role: { mayReplicate: false, mayConnect: false }, freeSlots: 0, freeWalsenders: 0 };
  expect(judged(before, after)).toEqual([
    'warning role_replication',
    'warning role_login',
    'warning slots_used_up',
    'warning walsenders_used_up',
  ]);
  expect(standingTroubles(after, rules()).map(({ kind }) => kind)).toEqual([
    'role_replication',
    'role_login',
    'slots_used_up',
    'walsenders_used_up',
  ]);
  const unread = facts(PUBLICATION, [table(101, 'items', { isReadable: false }), table(102, 'other')]);
  expect(judged(before, unread)).toEqual([]);
  expect(judged(before, unread, rules(undefined, true))).toEqual(['warning table_unreadable public.items']);
});
