/**
 * Owns running a chain of transforms over rows of a planned table, from the cells to the bytes of a record, without servers. For tests only.
 */
import type { ConverterOptions, TransformOptions } from '../../src/core/options.ts';
import { DebeziumShapes } from '../../src/events/debezium-shapes.ts';
import type { Op } from '../../src/events/envelope.ts';
import { EventView } from '../../src/events/event-view.ts';
import { planRows } from '../../src/events/row-plan.ts';
import { SourceInfo } from '../../src/events/source-info.ts';
import type { RecordView } from '../../src/kafka/producer/publisher-contract.ts';
import { createSerde } from '../../src/pipeline/loop/create-serde.ts';
import { appendRouted, emptyRecord, RouteTree } from '../../src/pipeline/routes/record-route.ts';
import { type TableRecordKind, TransformedTable } from '../../src/pipeline/routes/transformed-table.ts';
import { TransformChain } from '../../src/transforms/chain.ts';
import { HeaderList } from '../../src/transforms/shaped-record.ts';
import type { PgType, ValueModes } from '../../src/values/pg-type.ts';
import { builtIn } from '../oracles/columns.ts';
import { testFilter, testPlanSettings } from '../oracles/plan-settings.ts';
import { tupleOf, type UNCHANGED } from '../oracles/tuples.ts';

export type TestColumn = {
  readonly name: string;
  readonly type: PgType | string;
  readonly typmod?: number;
  readonly notNull?: boolean;
  readonly defaultExpression?: string;
};

type TestStage = { readonly type: string } & Readonly<Record<string, string>>;

type Row = readonly (string | null | typeof UNCHANGED)[];

type Sent = {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** `name=text`, or the bare name of a header without a value. */
  readonly headers: readonly string[];
  readonly partition: number;
  readonly timestampMs: number;
};

type Change = { readonly kind: TableRecordKind; readonly before?: Row; readonly after?: Row };

const JSON_BASE = { format: 'json', schemasEnable: false, replaceNullWithDefault: true, decimalFormat: 'BASE64' } as const;
const AVRO_BASE = {
  format: 'avro',
  registry: {},
  autoRegister: true,
  useLatestVersion: false,
  subjectNames: 'topic',
  ignoreDefaults: false,
  connectMetaData: true,
  scrubInvalidNames: false,
  fieldDocs: true,
};
const CONVERTERS = {
  json: JSON_BASE,
  'json with schemas': { ...JSON_BASE, schemasEnable: true },
  'json with nulls': { ...JSON_BASE, replaceNullWithDefault: false },
  string: { format: 'string', encoding: 'UTF-8' },
  avro: AVRO_BASE,
  bytes: { format: 'bytes', delegate: undefined },
  'bytes or json': { format: 'bytes', delegate: JSON_BASE },
} as unknown as Readonly<Record<string, ConverterOptions>>;

export type RunnerOptions = {
  readonly columns: readonly TestColumn[];
  /** The first column is the key, unless this says otherwise. */
  readonly key?: readonly string[];
  readonly stages: readonly TestStage[];
  readonly converters?: { readonly key: string; readonly value: string };
  readonly modes?: Partial<ValueModes>;
  readonly partitionCount?: number;
};

export const NOW_MS = 1_700_000_000_123;

/** Sends rows of the table `srv.public.t` through the stages. */
export class ChainRunner {
  /** Schemas as they were registered; their ids begin with 1. */
  readonly schemas: { readonly subject: string; readonly schema: string }[] = [];
  readonly #event: EventView;
  readonly #table: TransformedTable;
  readonly #messages: () => RouteTree;
  readonly #serde: ReturnType<typeof createSerde>;
  readonly #sent: Sent[] = [];

  constructor({ columns, key, stages, converters, modes, partitionCount = 8 }: RunnerOptions) {
    const info = new SourceInfo();
    info.beginTransaction({ commitTimeUs: 1_600_000_000_000_000, xid: 7 });
    info.nowUs = NOW_MS * 1000;
    this.#event = new EventView(info, undefined);
    const serdeOptions = converters ?? { key: 'json', value: 'json' };
    this.#serde = createSerde({
      options: { keyConverter: converterOf(serdeOptions.key), valueConverter: converterOf(serdeOptions.value) },
      onFailure: ({ column, reason }) => {
        throw new Error(`${column}: ${reason}`);
      },
      registry: { random: () => 0, onRetry: () => {}, onAnswered: () => {} },
      openRegistry: () => ({ register: async (wanted) => this.schemas.push(wanted), lookup: async () => 1, latest: async () => undefined }),
      signal: new AbortController().signal,
    });
    const shapes = new DebeziumShapes({ constants: { version: '1', name: 'srv', db: 'd' }, transactionMetadata: false, binary: 'bytes' });
    const chain = new TransformChain(stages.map(stageOf));
    const openTopic = async (name: string) => ({ name, partitionCount, recordBatchBytesMax: 1_000_000 });
    const deps = { serde: this.#serde, openTopic, chain, contextHeaders: [] };
    const plan = planned(columns, key ?? [columns[0]?.name ?? ''], modes);
    this.#table = new TransformedTable(() => shapes.ofTable(plan), plan.topic, deps);
    const message = { ...shapes.message(), kind: 'message', topic: 'srv.message', partition: undefined, timestamp: undefined } as const;
    this.#messages = () => new RouteTree(chain.run({ ...message, headers: new HeaderList([]) }), deps);
  }

  /** The record of one change, and its tombstone; undefined for one that is dropped. */
  async send({ kind, before, after }: Change): Promise<readonly (Sent | undefined)[]> {
    const event = this.#event;
    event.op = opOf(kind);
    event.before = before === undefined ? undefined : tupleOf(...before);
    event.after = after === undefined ? undefined : tupleOf(...after);
    const { record, tombstone } = this.#table.treesOf(kind);
    const sent = [await this.#through(record)];
    return tombstone === undefined ? sent : [...sent, await this.#through(tombstone())];
  }

  async create(...after: Row): Promise<Sent | undefined> {
    return (await this.send({ kind: 'create', after }))[0];
  }

  async message(prefix: string, content: string | Uint8Array): Promise<Sent | undefined> {
    this.#event.message = { prefix, content: Buffer.from(content as string) };
    return this.#through(this.#messages());
  }

  async #through(tree: RouteTree): Promise<Sent | undefined> {
    const route = tree.find(this.#event);
    if (route === undefined) return undefined;
    if (!route.isOpen) await route.open();
    const { out } = this.#serde;
    const append = (topic: { readonly name: string }, record: RecordView): number => this.#sent.push(sentOf(topic.name, record));
    appendRouted(route, { event: this.#event, out, publisher: { append } }, emptyRecord(out));
    return this.#sent.at(-1);
  }
}

/** A record's text, or null. */
export function textOfHalf(half: Buffer | null | undefined): string | null {
  return half?.toString() ?? null;
}

export function jsonOf(half: Buffer | null | undefined): unknown {
  return half === null || half === undefined ? null : JSON.parse(half.toString());
}

function converterOf(name: string): ConverterOptions {
  const found = CONVERTERS[name];
  if (found === undefined) throw new Error(`no converter ${name}`);
  return found;
}

function stageOf({ type, ...options }: TestStage, index: number): TransformOptions {
  return { alias: `stage${index}`, type, options: new Map(Object.entries(options)), predicate: undefined, negate: false };
}

function planned(columns: readonly TestColumn[], key: readonly string[], modes: Partial<ValueModes> = {}): ReturnType<typeof planRows> {
  const relation = columns.map(({ name, typmod = -1 }, typeOid) => ({ name, typeOid, typmod, inKey: key.includes(name) }));
  const facts = columns.map(({ name, notNull = false, defaultExpression }) => [name, { notNull, defaultExpression }] as const);
  const settings = testPlanSettings(testFilter());
  const typeOf = (index: number): PgType => {
    const type = columns[index]?.type ?? 'text';
    return typeof type === 'string' ? builtIn(type) : type;
  };
  return planRows(
    { oid: 1, schema: 'public', table: 't', columns: relation },
    { primaryKey: key, uniqueIndexes: [], columns: new Map(facts) },
    typeOf,
    { ...settings, modes: { ...settings.modes, ...modes } },
  );
}

function opOf(kind: TableRecordKind): Op {
  const ops: Readonly<Record<TableRecordKind, Op>> = {
    create: 'c',
    update: 'u',
    delete: 'd',
    read: 'r',
    truncate: 't',
    newkey: 'd',
    oldkey: 'c',
  };
  return ops[kind];
}

function sentOf(topic: string, record: RecordView): Sent {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd, headers, partition, timestampMs } = record;
  const part = (start: number, end: number): Buffer | null => (end < 0 ? null : Buffer.from(bytes.slice(start, end)));
  return { topic, key: part(keyStart, keyEnd), value: part(valueStart, valueEnd), headers: headerTexts(headers), partition, timestampMs };
}

/** Reads the bytes by themselves, not by what wrote them. */
function headerTexts(bytes: Uint8Array): readonly string[] {
  let at = 0;
  const number = (): number => {
    let value = 0;
    let shift = 0;
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) return value;
    }
  };
  const signed = (): number => {
    const value = number();
    return (value >>> 1) ^ -(value & 1);
  };
  const text = (length: number): string => {
    at += length;
    return Buffer.from(bytes.slice(at - length, at)).toString();
  };
  return Array.from({ length: signed() }, () => {
    const name = text(signed());
    const length = signed();
    return length < 0 ? name : `${name}=${text(length)}`;
  });
}
