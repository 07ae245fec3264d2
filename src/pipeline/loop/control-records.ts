/**
 * Owns the records that are no rows: logical decoding messages, the BEGIN and END of a transaction, heartbeats. Their shapes are compiled
 * like those of tables. Each kind is opened before its first record.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { ControlKind, DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { EventView } from '../../events/event-view.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import type { CompiledRecord, RecordSerde } from '../../serde/record-serde.ts';

type ControlRecordsDeps = {
  readonly serde: Pick<RecordSerde, 'out' | 'compile'>;
  readonly shapes: DebeziumShapes;
  readonly event: EventView;
};

type Records = Readonly<Record<'message' | 'begin' | 'end' | 'heartbeat', CompiledRecord>>;

/** The records whose schemas are registered when a kind is opened. */
const OPENED = { message: ['message'], transaction: ['begin', 'end'], heartbeat: ['heartbeat'] } as const;

/** Each write method resets the output, appends the key, then the value, and returns where the key ends. */
export class ControlRecords {
  readonly #out: ByteWriter;
  readonly #event: EventView;
  readonly #records: Records;
  readonly #opened = new Map<ControlKind, Promise<void>>();

  constructor({ serde, shapes, event }: ControlRecordsDeps) {
    this.#out = serde.out;
    this.#event = event;
    this.#records = {
      message: serde.compile(shapes.message()),
      begin: serde.compile(shapes.boundary('BEGIN')),
      end: serde.compile(shapes.boundary('END')),
      heartbeat: serde.compile(shapes.heartbeat()),
    };
  }

  /** Registers the schemas of the kind, once. Called before its first record. Throws registry_* errors. */
  open(kind: ControlKind, topic: string): Promise<void> {
    let opened = this.#opened.get(kind);
    if (opened === undefined) {
      opened = this.#open(kind, topic);
      this.#opened.set(kind, opened);
    }
    return opened;
  }

  async #open(kind: ControlKind, topic: string): Promise<void> {
    for (const name of OPENED[kind]) {
      const { key, value } = this.#records[name];
      await key?.open(topic);
      await value?.open(topic);
    }
  }

  writeMessage(message: LogicalMessage): number {
    this.#event.message = message;
    return this.#write(this.#records.message);
  }

  writeBegin(): number {
    this.#event.eventCount = null;
    this.#event.collections = null;
    return this.#write(this.#records.begin);
  }

  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number {
    this.#event.eventCount = eventCount;
    this.#event.collections = collections;
    return this.#write(this.#records.end);
  }

  writeHeartbeat(): number {
    return this.#write(this.#records.heartbeat);
  }

  #write({ key, value }: CompiledRecord): number {
    const out = this.#out;
    out.reset();
    key?.write(this.#event);
    const keyEnd = out.length;
    value?.write(this.#event);
    return keyEnd;
  }
}
