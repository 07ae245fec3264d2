/**
 * Owns the list of schema changes and what a registry says of each under each level: docs/schema-evolution.md shows it, the test beside
 * it tries it. Does not run anything.
 */

export const LEVELS = ['BACKWARD', 'FORWARD', 'FULL'] as const;
export type Level = (typeof LEVELS)[number];

/** Of the schema that follows: a new version, none because nothing of it changed, or refused with the fields that differ. */
type Verdict = 'accepted' | 'same schema' | `refused: ${string}` | `key refused: ${string}`;

type Row = Readonly<Record<string, unknown>>;

export type EvolutionCase = {
  /** As the page says it. */
  readonly change: string;
  /** Of a table that is empty; `T` stands for its name, in all statements. */
  readonly create: string;
  /** One row before, and as a consumer sees it. */
  readonly before: readonly [values: string, row: Row];
  /** Of both records where they are not the column `id`; null: without a key. */
  readonly keys?: readonly [before: Row | null, after: Row | null];
  /** In one transaction. */
  readonly statements: readonly string[];
  readonly after: readonly [values: string, row: Row];
  readonly verdicts: Readonly<Record<Level, Verdict>>;
};

function everywhere(verdict: Verdict): Readonly<Record<Level, Verdict>> {
  return { BACKWARD: verdict, FORWARD: verdict, FULL: verdict };
}

/** What only one direction allows, FULL refuses. */
function onlyUnder(level: 'BACKWARD' | 'FORWARD', refusal: Verdict): Readonly<Record<Level, Verdict>> {
  return { ...everywhere(refusal), [level]: 'accepted' };
}

const ONE = { id: 1 };
const TWO = { id: 2 };
const DECIMAL_150 = Buffer.from([0, 150]);

export const EVOLUTION_CASES: readonly EvolutionCase[] = [
  {
    change: 'add a nullable column',
    create: 'create table T (id int primary key)',
    before: ['1', ONE],
    statements: ['alter table T add column note text'],
    after: [`2, 'n'`, { ...TWO, note: 'n' }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'add a NOT NULL column with a default',
    create: 'create table T (id int primary key)',
    before: ['1', ONE],
    statements: ['alter table T add column n int not null default 7'],
    after: ['2', { ...TWO, n: 7 }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'add a NOT NULL column without default',
    create: 'create table T (id int primary key)',
    before: ['1', ONE],
    statements: ['alter table T add column n int not null default 0', 'alter table T alter column n drop default'],
    after: ['2, 5', { ...TWO, n: 5 }],
    verdicts: onlyUnder('FORWARD', 'refused: n added without default'),
  },
  {
    change: 'drop a nullable column',
    create: 'create table T (id int primary key, note text)',
    before: [`1, 'n'`, { ...ONE, note: 'n' }],
    statements: ['alter table T drop column note'],
    after: ['2', TWO],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'drop a NOT NULL column with a default',
    create: 'create table T (id int primary key, n int not null default 7)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T drop column n'],
    after: ['2', TWO],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'drop a NOT NULL column without default',
    create: 'create table T (id int primary key, n int not null)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T drop column n'],
    after: ['2', TWO],
    verdicts: onlyUnder('BACKWARD', 'refused: n removed'),
  },
  {
    change: 'rename a nullable column',
    create: 'create table T (id int primary key, note text)',
    before: [`1, 'n'`, { ...ONE, note: 'n' }],
    statements: ['alter table T rename column note to remark'],
    after: [`2, 'r'`, { ...TWO, remark: 'r' }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'rename a NOT NULL column without default',
    create: 'create table T (id int primary key, n int not null)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T rename column n to m'],
    after: ['2, 6', { ...TWO, m: 6 }],
    verdicts: everywhere('refused: m added without default, n removed'),
  },
  {
    change: 'widen int to bigint',
    create: 'create table T (id int primary key, n int)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T alter column n type bigint'],
    after: ['2, 9007199254740993', { ...TWO, n: 9007199254740993n }],
    verdicts: onlyUnder('BACKWARD', 'refused: n: null or long, was null or int'),
  },
  {
    change: 'widen real to double precision',
    create: 'create table T (id int primary key, n real)',
    before: ['1, 0.5', { ...ONE, n: 0.5 }],
    statements: ['alter table T alter column n type double precision'],
    after: ['2, 0.1', { ...TWO, n: 0.1 }],
    verdicts: onlyUnder('BACKWARD', 'refused: n: null or double, was null or float'),
  },
  {
    change: 'narrow bigint to int',
    create: 'create table T (id int primary key, n bigint)',
    before: ['1, 5', { ...ONE, n: 5n }],
    statements: ['alter table T alter column n type int'],
    after: ['2, 6', { ...TWO, n: 6 }],
    verdicts: onlyUnder('FORWARD', 'refused: n: null or int, was null or long'),
  },
  {
    change: 'change int to text',
    create: 'create table T (id int primary key, n int)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T alter column n type text'],
    after: [`2, 'six'`, { ...TWO, n: 'six' }],
    verdicts: everywhere('refused: n: null or string, was null or int'),
  },
  {
    change: 'lengthen a varchar',
    create: 'create table T (id int primary key, note varchar(5))',
    before: [`1, 'n'`, { ...ONE, note: 'n' }],
    statements: ['alter table T alter column note type varchar(50)'],
    after: [`2, 'longer than five'`, { ...TWO, note: 'longer than five' }],
    verdicts: everywhere('same schema'),
  },
  {
    change: 'raise the precision of a numeric',
    create: 'create table T (id int primary key, n numeric(6,2))',
    before: ['1, 1.50', { ...ONE, n: DECIMAL_150 }],
    statements: ['alter table T alter column n type numeric(12,2)'],
    after: ['2, 1.50', { ...TWO, n: DECIMAL_150 }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'raise the scale of a numeric',
    create: 'create table T (id int primary key, n numeric(6,2))',
    before: ['1, 1.50', { ...ONE, n: DECIMAL_150 }],
    statements: ['alter table T alter column n type numeric(8,3)'],
    after: ['2, 0.150', { ...TWO, n: DECIMAL_150 }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'set NOT NULL on a column',
    create: 'create table T (id int primary key, n int)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T alter column n set not null'],
    after: ['2, 6', { ...TWO, n: 6 }],
    verdicts: onlyUnder('FORWARD', 'refused: n: int, was null or int'),
  },
  {
    change: 'drop NOT NULL of a column',
    create: 'create table T (id int primary key, n int not null)',
    before: ['1, 5', { ...ONE, n: 5 }],
    statements: ['alter table T alter column n drop not null'],
    after: ['2, null', { ...TWO, n: null }],
    verdicts: onlyUnder('BACKWARD', 'refused: n: null or int, was int'),
  },
  {
    change: 'set the default of a nullable column',
    create: 'create table T (id int primary key, n int)',
    before: ['1, null', { ...ONE, n: null }],
    statements: ['alter table T alter column n set default 7'],
    after: ['2, 6', { ...TWO, n: 6 }],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'add a primary key over NOT NULL columns',
    keys: [null, TWO],
    create: 'create table T (id int not null)',
    before: ['1', ONE],
    statements: ['alter table T add primary key (id)'],
    after: ['2', TWO],
    verdicts: everywhere('accepted'),
  },
  {
    change: 'replace the primary key by another column',
    keys: [ONE, { code: 'b' }],
    create: 'create table T (id int primary key, code text not null)',
    before: [`1, 'a'`, { ...ONE, code: 'a' }],
    statements: ['alter table T drop constraint T_pkey', 'alter table T add primary key (code)'],
    after: [`2, 'b'`, { ...TWO, code: 'b' }],
    verdicts: everywhere('key refused: code added without default, id removed'),
  },
  {
    change: 'add a column to the primary key',
    keys: [ONE, { ...TWO, code: 'b' }],
    create: 'create table T (id int primary key, code text not null)',
    before: [`1, 'a'`, { ...ONE, code: 'a' }],
    statements: ['alter table T drop constraint T_pkey', 'alter table T add primary key (id, code)'],
    after: [`2, 'b'`, { ...TWO, code: 'b' }],
    verdicts: onlyUnder('FORWARD', 'key refused: code added without default'),
  },
  {
    change: 'widen the primary key from int to bigint',
    create: 'create table T (id int primary key)',
    before: ['1', ONE],
    statements: ['alter table T alter column id type bigint'],
    after: ['2', { id: 2n }],
    verdicts: onlyUnder('BACKWARD', 'key refused: id: long, was int'),
  },
  {
    change: 'drop the primary key',
    keys: [ONE, null],
    create: 'create table T (id int primary key)',
    before: ['1', ONE],
    statements: ['alter table T drop constraint T_pkey'],
    after: ['2', TWO],
    verdicts: everywhere('same schema'),
  },
  {
    change: 'add a label to an enum',
    create: 'create table T (id int primary key, mood mood)',
    before: [`1, 'good'`, { ...ONE, mood: 'good' }],
    statements: ['alter table T alter column mood set statistics 50'],
    after: [`2, 'new'`, { ...TWO, mood: 'new' }],
    verdicts: everywhere('same schema'),
  },
];

/** As docs/schema-evolution.md has them. */
export function evolutionRows(): string[] {
  const cells = ({ change, verdicts }: EvolutionCase): string => [change, ...LEVELS.map((level) => verdicts[level])].join(' | ');
  return [`change | ${LEVELS.join(' | ')}`, '---|---|---|---', ...EVOLUTION_CASES.map(cells)].map((row) =>
    row.startsWith('---') ? `|${row}|` : `| ${row} |`,
  );
}
