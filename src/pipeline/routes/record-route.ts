/**
 * Owns where records go that have passed the transforms: from an outcome to a topic, compiled halves and headers. What depends on the values
 * of a record is a fork: its answers are read for each record, and each answer's route is made once.
 */

import { ByteWriter } from '../../core/byte-writer.ts';
import { EventView } from '../../events/event-view.ts';
import { SourceInfo } from '../../events/source-info.ts';
import type { Publisher, RecordView, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import { headerValue } from '../../serde/header-value.ts';
import { type Header, writeHeader, writeHeaderCount } from '../../serde/record-headers.ts';
import type { CompiledRecord, RecordSerde } from '../../serde/record-serde.ts';
import { type Nullness, nullnessOf } from '../../transforms/nullness.ts';
import { readerOf } from '../../transforms/read-value.ts';
import { type HeaderShape, isAlwaysNull, type Outcome, type ShapedRecord, TransformError } from '../../transforms/shaped-record.ts';

export type RouteDeps = {
  readonly serde: Pick<RecordSerde, 'compile' | 'writesNull'>;
  readonly openTopic: (name: string) => Promise<TopicHandle>;
};

/** Answers whose routes are kept: a fork on a column may have any number. */
const BRANCHES_MAX = 1_000;
const NO_EVENT = new EventView(new SourceInfo(), undefined);

const HEADER_BYTES = 256;

type HeaderReader = (event: EventView, otherKey: Uint8Array | undefined) => Header;

export class RecordRoute {
  /** Looked at for each record. */
  isOpen = false;
  topic: TopicHandle = { name: '', partitionCount: 0, recordBatchBytesMax: 0 };
  readonly #record: ShapedRecord;
  readonly #deps: RouteDeps;
  readonly #compiled: CompiledRecord;
  readonly #isKeyNull: Nullness;
  readonly #isValueNull: Nullness;
  /** Those that do not depend on the record are bytes already, with the count before them. */
  readonly #headers: readonly (Uint8Array | HeaderReader)[];

  constructor(record: ShapedRecord, deps: RouteDeps) {
    const { relation, key, value, headers } = record;
    this.#record = record;
    this.#deps = deps;
    const { serde } = deps;
    // The schema of what is always null is not registered.
    const isWritten = (half: 'key' | 'value', shape: ShapedRecord['value']): boolean =>
      shape !== undefined && (serde.writesNull[half](shape.schema) || !isAlwaysNull(shape));
    this.#compiled = serde.compile({
      relation,
      key: isWritten('key', key) ? key : undefined,
      value: isWritten('value', value) ? value : undefined,
    });
    this.#isKeyNull = noBytes(record, 'key', serde);
    this.#isValueNull = noBytes(record, 'value', serde);
    this.#headers = compiledHeaders(headers.entries);
  }

  /** Key, value, topic, as Connect has it. Throws registry_* and kafka_* errors. */
  async open(): Promise<void> {
    const { topic } = this.#record;
    const { key, value } = this.#compiled;
    await key?.open(topic);
    await value?.open(topic);
    this.topic = await this.#deps.openTopic(topic);
    this.isOpen = true;
  }

  /** False: the key is null. */
  writeKey(event: EventView): boolean {
    return !isNull(this.#isKeyNull, event) && write(this.#compiled.key, event);
  }

  /** False: the value is null. */
  writeValue(event: EventView): boolean {
    return !isNull(this.#isValueNull, event) && write(this.#compiled.value, event);
  }

  /** Valid until the next call of any route. */
  headersOf(event: EventView, otherKey: Uint8Array | undefined): Uint8Array {
    const [first] = this.#headers;
    if (this.#headers.length === 1 && first instanceof Uint8Array) return first;
    headerBytes.reset();
    for (const part of this.#headers) {
      if (part instanceof Uint8Array) headerBytes.all(part);
      else writeHeader(headerBytes, part(event, otherKey));
    }
    return headerBytes.bytes.subarray(0, headerBytes.length);
  }

  /** -1: the partitioner chooses. Throws TransformError for a partition that the topic does not have, as Kafka's producer does. */
  partitionOf(event: EventView): number {
    const partition = this.#record.partition?.(event) ?? undefined;
    if (partition === undefined) return -1;
    const { partitionCount } = this.topic;
    if (partition < 0 || partition >= partitionCount) throw new TransformError(`Invalid partition: the topic has ${partitionCount}`);
    return partition;
  }

  /**
   * Undefined: the time when it is written; -1 means that too. Throws TransformError for a time before 1970.
   * Source: org.apache.kafka.connect.util.ConnectUtils.checkAndConvertTimestamp.
   */
  timestampOf(event: EventView): number | undefined {
    const timestamp = this.#record.timestamp?.(event) ?? undefined;
    if (timestamp === undefined || timestamp === -1) return undefined;
    if (timestamp < 0) throw new TransformError('Invalid record timestamp');
    return timestamp;
  }
}

type Appending = { readonly event: EventView; readonly out: ByteWriter; readonly publisher: Pick<Publisher, 'append'> };

/** For appendRouted(), which fills it again for each record. */
export function emptyRecord({ bytes }: ByteWriter): RecordView {
  return { bytes, keyStart: 0, keyEnd: -1, valueStart: 0, valueEnd: -1, headers: Buffer.alloc(1), timestampMs: 0, partition: -1 };
}

/** Writes a record of an open route and appends it. */
export function appendRouted(route: RecordRoute, { event, out, publisher }: Appending, record: RecordView, otherKey?: Uint8Array): void {
  out.reset();
  record.keyEnd = route.writeKey(event) ? out.length : -1;
  record.valueStart = out.length;
  record.valueEnd = route.writeValue(event) ? out.length : -1;
  record.bytes = out.bytes;
  record.headers = route.headersOf(event, otherKey);
  record.partition = route.partitionOf(event);
  record.timestampMs = route.timestampOf(event) ?? Math.floor(event.info.nowUs / 1000);
  publisher.append(route.topic, record);
}

function write(half: CompiledRecord['key'], event: EventView): boolean {
  half?.write(event);
  return half !== undefined;
}

function isNull(nullness: Nullness, event: EventView): boolean {
  return typeof nullness === 'boolean' ? nullness : nullness(event);
}

/** Whether a half is no bytes at all. A null with a schema is written as something by some converters, for others it is a null. */
function noBytes(record: ShapedRecord, half: 'key' | 'value', { writesNull }: RouteDeps['serde']): Nullness {
  const shape = record[half];
  return shape !== undefined && writesNull[half](shape.schema) ? false : nullnessOf(shape, record.kind);
}

/** Filled and read by one call. */
const headerBytes = new ByteWriter(HEADER_BYTES);

function compiledHeaders(entries: readonly HeaderShape[]): readonly (Uint8Array | HeaderReader)[] {
  const parts: (Uint8Array | HeaderReader)[] = [];
  const fixed = new ByteWriter(HEADER_BYTES);
  const endFixed = (): void => {
    if (fixed.length > 0) parts.push(fixed.toOwned());
    fixed.reset();
  };
  writeHeaderCount(fixed, entries.length);
  for (const header of entries) {
    const read = headerReader(header);
    if (isFixedHeader(header)) writeHeader(fixed, read(NO_EVENT, undefined));
    else {
      endFixed();
      parts.push(read);
    }
  }
  endFixed();
  return parts;
}

function isFixedHeader({ value }: HeaderShape): boolean {
  if (value === 'other key' || value.origin.from !== 'fact') return false;
  const { lasts } = value.origin.fact;
  return lasts === 'connector' || lasts === 'relation';
}

function headerReader({ name, value }: HeaderShape): HeaderReader {
  if (value === 'other key') return (_event, otherKey) => [name, otherKey ?? null];
  const read = readerOf(value, { substituted: false });
  return (event) => [name, headerValue(value.schema, read(event))];
}

type Node =
  | { readonly tag: 'dropped' }
  | { readonly tag: 'route'; readonly route: RecordRoute }
  | { readonly tag: 'fork'; readonly fork: Extract<Outcome, { tag: 'fork' }>; readonly branches: Map<string | null, Node> };

/** All routes of one kind of record of one relation version. */
export class RouteTree {
  readonly #deps: RouteDeps;
  readonly #root: Node;

  constructor(outcome: Outcome, deps: RouteDeps) {
    this.#deps = deps;
    this.#root = this.#nodeOf(outcome);
  }

  /** Undefined: the record is dropped. Throws transform_failed. */
  find(event: EventView): RecordRoute | undefined {
    let node = this.#root;
    while (node.tag === 'fork') node = this.#branch(node, node.fork.read(event));
    return node.tag === 'route' ? node.route : undefined;
  }

  #branch({ fork, branches }: Extract<Node, { tag: 'fork' }>, answer: string | null): Node {
    const known = branches.get(answer);
    if (known !== undefined) return known;
    const node = this.#nodeOf(fork.branch(answer));
    const [oldest] = branches.keys();
    if (branches.size >= BRANCHES_MAX && oldest !== undefined) branches.delete(oldest);
    branches.set(answer, node);
    return node;
  }

  #nodeOf(outcome: Outcome): Node {
    switch (outcome.tag) {
      case 'dropped':
        return outcome;
      case 'fork':
        return { tag: 'fork', fork: outcome, branches: new Map() };
      case 'record':
        return { tag: 'route', route: new RecordRoute(outcome.record, this.#deps) };
    }
  }
}
