/** Where the loop marks positions among control records, and where it stands. Its events are tested by the recorded cases. */
import { describe, expect, it } from 'vitest';
import { testFilter, testPlanSettings } from '../../../test/oracles/plan-settings.ts';
import { controlRecords } from '../../../test/pipeline/control-records.ts';
import { beginFrame, commitFrame, FRAME_OID, insertFrame, truncateFrame } from '../../../test/pipeline/frames.ts';
import { RecordingPublisher } from '../../../test/pipeline/recording-publisher.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { DebeziumShapes } from '../../events/debezium-shapes.ts';
import { EventView } from '../../events/event-view.ts';
import { SourceInfo } from '../../events/source-info.ts';
import { TransactionOrder } from '../../events/transaction.ts';
import { JsonHalfSerde } from '../../serde/plain-halves.ts';
import { type RecordHalf, RecordSerde } from '../../serde/record-serde.ts';
import { Positions } from '../positions/positions.ts';
import { ChangeWriter, noChanges } from './change-writer.ts';
import { StreamLoop } from './stream-loop.ts';
import { TablePlans } from './table-plans.ts';
import { TransactionBoundaries } from './transaction-boundaries.ts';

const XID = 77;
const BEGIN_LSN = 0x1000 as Lsn;
const COMMIT_END = 0x1100 as Lsn;
const TABLES = 2;

const begin = (end: number = COMMIT_END): Buffer => beginFrame({ commitLsn: end - 0x30, xid: XID });
const commit = (end: number = COMMIT_END): Buffer => commitFrame({ commitLsn: end - 0x30, endLsn: end });

/** Tables whose topics open when the test says so. A value is the op and the text of the first cell. */
async function waitingTables(out: ByteWriter) {
  const gates: PromiseWithResolvers<void>[] = [];
  const write: RecordHalf['write'] = ({ op, after }) => {
    out.text(op);
    if (after !== undefined) out.copy(after.source, after.starts[0] ?? 0, after.ends[0] ?? 0);
  };
  const open = (): Promise<void> => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    return gate.promise;
  };
  const record = { key: undefined, value: { open, write } };
  const filter = testFilter();
  const plans = new TablePlans({
    catalog: {
      describe: async () => ({
        facts: { primaryKey: [], uniqueIndexes: [], columns: new Map([['a', { notNull: true }]]) },
        typeOf: (oid) => ({ oid, name: 'text', schema: 'pg_catalog', kind: 'base' }),
      }),
      findDropped: async () => ({ oids: [], endLsn: LSN_ZERO }),
    },
    filter,
    settings: testPlanSettings(filter),
    compile: () => ({ row: record, truncate: record }),
    openTopic: async (name) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 }),
    transform: undefined,
    deadLetters: undefined,
    skipUnchanged: false,
  });
  const columns = [{ name: 'a', typeOid: 25, typmod: -1, inKey: false }];
  for (let i = 0; i < TABLES; i++)
    await plans.learn({ oid: FRAME_OID + i, schema: 'public', table: `t${i}`, replicaIdentity: 'default', columns });
  return { plans, gates };
}

/** Positions whose keeper stores at once, so what is durable is confirmed at once. */
function positionsOf() {
  const confirmed: Lsn[] = [];
  const positions = new Positions(SILENT_LOG);
  const keeper = { storedLsn: LSN_ZERO, request: (lsn: Lsn) => positions.onStored(lsn), flush: async () => {} };
  positions.begin({ fromLsn: LSN_ZERO, keeper });
  positions.confirmTo({ confirm: (lsn) => confirmed.push(lsn) });
  return { positions, confirmed };
}

/** A loop over a publisher that keeps what is appended, and acknowledges when the test says so. */
async function setUp(o: { readonly metadata?: boolean; readonly untilLsn?: Lsn } = {}) {
  const { positions, confirmed } = positionsOf();
  const publisher = new RecordingPublisher(positions);
  const info = new SourceInfo();
  const transactionMetadata = o.metadata === true;
  const order = transactionMetadata ? new TransactionOrder({ endBytesMax: 1_000_000 }) : undefined;
  const event = new EventView(info, order);
  const out = new ByteWriter();
  const half = new JsonHalfSerde({ schemas: false, nullIsDefault: true, decimals: 'BASE64' }, out, () => {});
  const shapes = new DebeziumShapes({ constants: { version: '1', name: 'p', db: 'd' }, transactionMetadata, binary: 'bytes' });
  const controls = controlRecords({ serde: new RecordSerde(out, half, half), shapes, event, publisher });
  const { plans, gates } = await waitingTables(out);
  const changes = new ChangeWriter({
    out,
    event,
    publisher,
    failures: { try: (write) => write(), row: info },
    counts: noChanges(),
    options: { tombstonesOnDelete: true, skippedOperations: new Set() },
    contextHeaders: [],
    onRefused: () => {},
  });
  const loop = new StreamLoop({
    plans,
    changes,
    boundaries: order === undefined ? undefined : new TransactionBoundaries({ order, controls }),
    info,
    publisher,
    positions,
    clock: SYSTEM_CLOCK,
    controls,
    wantsMessage: () => false,
    untilLsn: o.untilLsn,
  });
  const feed = async (bytes: Buffer, lsn: Lsn): Promise<void> => loop.onFrame(bytes, 0, bytes.length, lsn);
  /** Passes a transaction without rows. */
  const passCommit = async (end: number): Promise<void> => {
    await feed(begin(end), BEGIN_LSN);
    await feed(commit(end), end as Lsn);
  };
  return { loop, publisher, values: publisher.values, positions, confirmed, feed, passCommit, gates };
}

describe('the stream loop', () => {
  it('D2: confirms a commit only when the END record of its transaction is acknowledged', async () => {
    const { publisher, values, confirmed, feed } = await setUp({ metadata: true });
    await feed(begin(), BEGIN_LSN);
    await feed(commit(), COMMIT_END);
    expect(values.map((value) => JSON.parse(value))).toMatchObject([
      { status: 'BEGIN', id: `${XID}:${BEGIN_LSN}`, event_count: null, data_collections: null },
      { status: 'END', id: `${XID}:${COMMIT_END}`, event_count: 0, data_collections: [] },
    ]);
    publisher.settle(1);
    expect(confirmed).toEqual([]);
    publisher.settle(2);
    expect(confirmed).toEqual([COMMIT_END]);
  });

  it('publishes no boundaries unless asked to', async () => {
    const { loop, values, confirmed, feed } = await setUp();
    await feed(begin(), BEGIN_LSN);
    await feed(commit(), COMMIT_END);
    loop.onKeepalive(COMMIT_END, true);
    expect(values).toEqual([]);
    expect(confirmed).toEqual([COMMIT_END]);
  });

  it('holds the stream at the first row of a table until that is open, writes this row, and waits for no other', async () => {
    const { loop, publisher, values, positions, confirmed, feed, gates } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const held = feed(insertFrame('first'), BEGIN_LSN);
    await until(() => gates.length === 1);
    expect([publisher.appendedOrdinal, loop.inTransaction, confirmed]).toEqual([0, true, []]);
    loop.onKeepalive(COMMIT_END, true);
    expect(confirmed).toEqual([LSN_ZERO]);
    gates[0]?.resolve();
    await held;
    const second = insertFrame('second');
    expect(loop.onFrame(second, 0, second.length, BEGIN_LSN)).toBeUndefined();
    await feed(commit(), COMMIT_END);
    expect(values).toEqual(['cfirst', 'csecond']);
    positions.release({ urgent: true });
    expect(confirmed).toEqual([LSN_ZERO, LSN_ZERO]);
    publisher.settle(2);
    expect(confirmed).toEqual([LSN_ZERO, LSN_ZERO, COMMIT_END]);
  });

  it('writes a truncate of several tables to each, once, though each has to be opened', async () => {
    const { values, feed, gates } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const held = feed(truncateFrame(TABLES), BEGIN_LSN);
    await until(() => gates.length === 1);
    gates[0]?.resolve();
    await until(() => gates.length === 2);
    expect(values).toEqual(['t']);
    gates[1]?.resolve();
    await held;
    expect(values).toEqual(['t', 't']);
  });

  it('does not write a row whose table is open only after the end', async () => {
    const { loop, values, feed, gates } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const held = feed(insertFrame('late'), BEGIN_LSN);
    await until(() => gates.length === 1);
    loop.end();
    gates[0]?.resolve();
    await held;
    expect(values).toEqual([]);
  });

  it('ends with the error of a table that cannot be opened', async () => {
    const { values, feed, gates } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const held = feed(insertFrame('never'), BEGIN_LSN);
    await until(() => gates.length === 1);
    gates[0]?.reject(new Error('refused'));
    await expect(held).rejects.toThrow('refused');
    expect(values).toEqual([]);
  });

  it('refuses a row of a relation that was not described', async () => {
    const { feed } = await setUp();
    await feed(begin(), BEGIN_LSN);
    await expect(feed(insertFrame('x', 99), BEGIN_LSN)).rejects.toMatchObject({ code: 'pgoutput_malformed', details: { oid: 99 } });
  });

  it('D6: a keepalive inside a transaction marks nothing, one between two marks what is before it', async () => {
    const { loop, publisher, positions, feed, gates } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const held = feed(insertFrame('x'), BEGIN_LSN);
    await until(() => gates.length === 1);
    gates[0]?.resolve();
    await held;
    loop.onKeepalive(0x2000 as Lsn, false);
    expect(positions.markedLsn).toBe(LSN_ZERO);
    await feed(commit(), COMMIT_END);
    loop.onKeepalive(0x2000 as Lsn, false);
    expect([positions.markedLsn, positions.durableLsn]).toEqual([0x2000, LSN_ZERO]);
    publisher.settle(1);
    expect(positions.durableLsn).toBe(0x2000);
  });
});

describe('the stream loop stands', () => {
  const never = new AbortController().signal;

  it('before the first transaction that commits at the LSN to read to or behind it, and takes in nothing of it', async () => {
    const { loop, values, positions, feed, passCommit } = await setUp({ untilLsn: 0x1200 as Lsn });
    await passCommit(COMMIT_END);
    expect(loop.standing).toEqual({ tag: 'flowing' });
    await passCommit(0x1300);
    await loop.reached;
    expect(loop.standing).toEqual({ tag: 'stands', at: COMMIT_END });
    await feed(insertFrame('behind'), BEGIN_LSN);
    expect([values, loop.counts.transactions, positions.markedLsn]).toEqual([[], 1, COMMIT_END]);
  });

  it('where a keepalive reaches that LSN, without marking it', async () => {
    const { loop, positions } = await setUp({ untilLsn: 0x1200 as Lsn });
    loop.onKeepalive(0x1200 as Lsn, true);
    await loop.reached;
    expect([loop.standing.tag, positions.markedLsn]).toEqual(['stands', LSN_ZERO]);
  });

  it('at the next commit below a limit, when asked to, and flows on when resumed', async () => {
    const { loop, positions, feed, passCommit } = await setUp();
    await feed(begin(), BEGIN_LSN);
    const standing = loop.standBelow(0x9000 as Lsn, never);
    loop.onKeepalive(0x8000 as Lsn, false);
    expect(loop.standing.tag).toBe('flowing');
    await feed(commit(), COMMIT_END);
    expect(await standing).toBe(COMMIT_END);
    await passCommit(0x1300);
    expect([loop.standing, positions.markedLsn]).toEqual([{ tag: 'stands', at: COMMIT_END }, COMMIT_END]);
    loop.resume();
    await passCommit(0x1300);
    expect([loop.standing.tag, positions.markedLsn]).toEqual(['flowing', 0x1300]);
  });

  it('not where the next commit is at the limit, nor at a later one', async () => {
    const { loop, passCommit } = await setUp();
    const standing = loop.standBelow(COMMIT_END, never);
    await passCommit(COMMIT_END);
    expect(await standing).toBeUndefined();
    await passCommit(0x1300);
    expect(loop.standing.tag).toBe('flowing');
  });

  it('not once the request is withdrawn', async () => {
    const { loop, passCommit } = await setUp();
    const patience = new AbortController();
    const standing = loop.standBelow(0x9000 as Lsn, patience.signal);
    patience.abort();
    await passCommit(COMMIT_END);
    expect([await standing, loop.standing.tag]).toEqual([undefined, 'flowing']);
  });

  it('for good after its end, while acknowledgements still move positions', async () => {
    const { loop, publisher, confirmed, feed, passCommit } = await setUp({ metadata: true });
    await passCommit(COMMIT_END);
    loop.end();
    loop.resume();
    await feed(begin(0x1300), BEGIN_LSN);
    expect([loop.standing.tag, loop.inTransaction]).toEqual(['ended', false]);
    publisher.settle(2);
    expect(confirmed).toEqual([COMMIT_END]);
  });
});

/** Waits for some microtasks, until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !condition(); i++) await Promise.resolve();
  expect(condition()).toBe(true);
}
