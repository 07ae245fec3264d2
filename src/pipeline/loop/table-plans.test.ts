import { describe, expect, it } from 'vitest';
import { HALF, plansOfA, RECORDS, read, relation, used } from '../../../test/pipeline/table-plans.ts';
import { type ErrorDetails, SlotlineError } from '../../core/errors.ts';
import { type Log, type LogFields, SILENT_LOG } from '../../core/log.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { ConverterOptions } from '../../core/options.ts';
import { DeadLetters } from './dead-letters.ts';
import type { Catalog } from './table-plans.ts';
import type { TableRecords } from './table-records.ts';

const AVRO = { format: 'avro' } as ConverterOptions;

describe('a table that is renamed out of the captured ones', () => {
  it('goes on under its old name while its columns stay', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a'));
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toMatchObject({ collection: 'public.a', plan: { topic: 'srv.public.a' } });
  });

  it('is not captured any more with other columns', async () => {
    const plans = plansOfA();
    await plans.learn(relation('a'));
    await plans.learn(relation('renamed', ['id', 'more']));
    expect(plans.get(1)).toBeNull();
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toBeNull();
  });

  it('is not captured where only the snapshot had read it', async () => {
    const plans = plansOfA();
    await read(plans, relation('a'));
    await plans.learn(relation('renamed'));
    expect(plans.get(1)).toBeNull();
  });
});

describe('a topic', () => {
  it('of two tables stops the connector', async () => {
    const plans = plansOfA('public.*');
    await used(plans, relation('a b', ['id'], 1));
    await expect(used(plans, relation('a?b', ['id'], 2))).rejects.toMatchObject({
      code: 'topic_name_collision',
      details: { tables: ['public.a b', 'public.a?b'] },
    });
  });

  it('belongs to the table that has records', async () => {
    const plans = plansOfA('public.*');
    await plans.learn(relation('a b', ['id'], 1));
    await used(plans, relation('a?b', ['id'], 2));
    expect(plans.get(2)?.output.topic.name).toBe('srv.public.a_b');
    await expect(plans.get(1)?.output.open({ withKey: false })).rejects.toMatchObject({ code: 'topic_name_collision' });
  });

  it('is free again once its table has another name', async () => {
    const plans = plansOfA('public.*');
    await used(plans, relation('a b', ['id'], 1));
    await used(plans, relation('c', ['id'], 1));
    await used(plans, relation('a?b', ['id'], 2));
    expect(plans.get(2)?.output.topic.name).toBe('srv.public.a_b');
  });

  it('is free again once its table was dropped', async () => {
    const plans = plansOfA('public.*', { catalog: { findDropped: async (oids) => ({ oids, endLsn: 10 as Lsn }) } });
    await used(plans, relation('a b', ['id'], 1));
    await used(plans, relation('a?b', ['id'], 2));
    expect(plans.get(2)?.output.topic.name).toBe('srv.public.a_b');
  });

  it('is taken for a table that was dropped meanwhile and whose last rows come behind those of the other', async () => {
    const findDropped: Catalog['findDropped'] = async (oids) => ({ oids: oids.filter((oid) => oid === 1), endLsn: 10 as Lsn });
    const plans = plansOfA('public.*', { catalog: { findDropped } });
    await used(plans, relation('a b', ['id'], 1));
    await used(plans, relation('a?b', ['id'], 2));
    expect(plans.get(1)?.output.isOpen).toBe(false);
    await expect(plans.get(1)?.output.open({ withKey: true })).rejects.toMatchObject({ code: 'topic_name_collision' });
  });

  it('goes on with a table that was dropped and created again', async () => {
    const plans = plansOfA();
    await used(plans, relation('a', ['id'], 1));
    await used(plans, relation('a', ['id'], 2));
    expect(plans.get(2)?.output.topic.name).toBe('srv.public.a');
  });
});

describe('the plan of a table that was dropped', () => {
  /** The catalog knows the last created tables only. */
  function setUp(tablesAlive: number) {
    const created: number[] = [];
    const state = { endLsn: 0 };
    const findDropped: Catalog['findDropped'] = async (oids) => {
      const alive = new Set(created.slice(-tablesAlive));
      return { oids: oids.filter((oid) => !alive.has(oid)), endLsn: state.endLsn as Lsn };
    };
    const plans = plansOfA('public.*', { catalog: { findDropped } });
    const create = async (table: string, oid: number): Promise<void> => {
      created.push(oid);
      await used(plans, relation(table, ['id'], oid));
    };
    return { plans, create, state };
  }

  it('goes when another takes its topic, once the stream has passed its last rows', async () => {
    const { plans, create, state } = setUp(1);
    await create('job', 1);
    state.endLsn = 100;
    await create('job', 2);
    plans.passed(99 as Lsn);
    expect(plans.get(1)?.collection).toBe('public.job');
    plans.passed(100 as Lsn);
    expect(plans.get(1)).toBeUndefined();
    expect(plans.get(2)?.output.isOpen).toBe(true);
  });

  it('stays where the server describes it again', async () => {
    const { plans, create, state } = setUp(1);
    await create('job', 1);
    state.endLsn = 100;
    await create('job', 2);
    await plans.learn(relation('job_old', ['id'], 1));
    plans.passed(1000 as Lsn);
    expect(plans.get(1)?.collection).toBe('public.job_old');
  });

  it('stays while the table is there, though another has taken its topic', async () => {
    const { plans, create, state } = setUp(2);
    await create('job', 1);
    state.endLsn = 100;
    await create('job', 2);
    plans.passed(1000 as Lsn);
    expect(plans.get(1)?.collection).toBe('public.job');
  });

  it.each([
    ['under one name', () => 'job'],
    ['under a new name each time', (oid: number) => `job_${oid}`],
  ])('goes with 10,000 tables that are created and dropped one after the other %s', async (_how, nameOf) => {
    const { plans, create, state } = setUp(3);
    let most = 0;
    for (let oid = 1; oid <= 10_000; oid++) {
      plans.passed(oid as Lsn);
      state.endLsn = oid;
      await create(nameOf(oid), oid);
      most = Math.max(most, plans.size);
    }
    expect(most).toBeLessThan(1_200);
  });

  it('is seldom asked for while a backlog of such tables is read', async () => {
    const BACKLOG = 5_000;
    let asked = 0;
    const findDropped: Catalog['findDropped'] = async (oids) => {
      asked += oids.length;
      return { oids, endLsn: 1_000_000 as Lsn };
    };
    const plans = plansOfA('public.*', { catalog: { findDropped } });
    for (let oid = 1; oid <= BACKLOG; oid++) {
      plans.passed(oid as Lsn);
      await used(plans, relation(`job_${oid}`, ['id'], oid));
    }
    expect(asked).toBeLessThan(2 * BACKLOG);
    plans.passed(1_000_000 as Lsn);
    expect(plans.size).toBeLessThan(BACKLOG);
  });
});

describe('a relation version that the registry refuses', () => {
  const refusal = (details: ErrorDetails): SlotlineError => new SlotlineError('registry_incompatible', details);

  function setUp(refuse: () => SlotlineError | undefined, isAsked = true) {
    const lines: LogFields[] = [];
    const opened: string[] = [];
    const log: Log = { ...SILENT_LOG, warn: (_event, fields = {}) => void lines.push(fields) };
    const openTopic = async (name: string) => {
      opened.push(name);
      return { name, partitionCount: 1, recordBatchBytesMax: 1_000_000 };
    };
    const deadLetters = new DeadLetters({
      compile: () => RECORDS,
      openTopic: () => openTopic('srv.dlq'),
      options: { name: 'conn', taskId: '0', keyConverter: AVRO, valueConverter: AVRO },
      contextHeaders: [['context', Buffer.from('c')]],
      log,
    });
    const open = async (): Promise<void> => {
      const error = refuse();
      if (error !== undefined) throw error;
    };
    const compile = (): TableRecords => ({ ...RECORDS, row: { key: { ...HALF, open }, value: HALF } });
    const plans = plansOfA('public.a', { compile, openTopic, deadLetters: isAsked ? deadLetters : undefined });
    return { plans, lines, opened };
  }

  it('goes to the dead-letter topic with headers that say why; the next one is asked for anew', async () => {
    let error: SlotlineError | undefined = refusal({ subject: 'srv.public.a-value', version: 3, fields: ['after.b added'] });
    const { plans, lines, opened } = setUp(() => error);
    await used(plans, relation('a', ['id', 'b']));
    const table = plans.get(1)?.output;
    const { message } = error;
    expect(table?.topic.name).toBe('srv.dlq');
    expect(opened).toEqual(['srv.dlq']);
    expect(table?.deadLetter?.headers.map(([name, value]) => [name, String(value)])).toEqual([
      ['context', 'c'],
      ['__connect.errors.topic', 'srv.public.a'],
      ['__connect.errors.connector.name', 'conn'],
      ['__connect.errors.task.id', '0'],
      ['__connect.errors.stage', 'VALUE_CONVERTER'],
      ['__connect.errors.class.name', 'io.confluent.connect.avro.AvroConverter'],
      ['__connect.errors.exception.class.name', 'registry_incompatible'],
      ['__connect.errors.exception.message', message],
    ]);
    error = refusal({ ...error.details, message: 'the same in other words' });
    await used(plans, relation('a', ['id', 'b']));
    expect(lines).toEqual([{ table: 'public.a', topic: 'srv.dlq', code: 'registry_incompatible', message, remedy: error.remedy }]);
    error = undefined;
    await used(plans, relation('a', ['id', 'c']));
    expect(plans.get(1)?.output).toMatchObject({ topic: { name: 'srv.public.a' }, deadLetter: undefined });
  });

  it.each([['srv.public.a-key'], ['srv.public.a.Key'], ['srv.public.a-srv.public.a.Key']])(
    'says that the key was refused (%s)',
    async (subject) => {
      const { plans } = setUp(() => refusal({ subject }));
      await used(plans, relation('a'));
      const stage = plans.get(1)?.output.deadLetter?.headers.find(([name]) => name === '__connect.errors.stage');
      expect(String(stage?.[1])).toBe('KEY_CONVERTER');
    },
  );

  it('ends the attempt where no dead letters are asked for', async () => {
    const { plans } = setUp(() => refusal({ subject: 's' }), false);
    await expect(used(plans, relation('a'))).rejects.toMatchObject({ code: 'registry_incompatible' });
  });

  it.each(['registry_invalid_schema', 'registry_schema_missing', 'registry_unreachable'] as const)('is not one with %s', async (code) => {
    const { plans } = setUp(() => new SlotlineError(code));
    await expect(used(plans, relation('a'))).rejects.toMatchObject({ code });
  });
});
