/**
 * Owns the records that are no rows: logical decoding messages, the BEGIN and END of a transaction, heartbeats. They pass the transforms like
 * all others. Each is appended at once, or, for the first one of a route, when its topic and schemas are open: then a promise is returned,
 * nothing is appended yet, and the same call is to be made again.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn } from '../../core/lsn.ts';
import type { DebeziumShapes } from '../../events/debezium-shapes.ts';
import type { EventView } from '../../events/event-view.ts';
import type { RecordShape } from '../../events/record-shape.ts';
import type { CollectionCount } from '../../events/transaction.ts';
import type { Publisher, RecordView } from '../../kafka/producer/publisher-contract.ts';
import type { LogicalMessage } from '../../pgoutput/messages.ts';
import type { TransformChain } from '../../transforms/chain.ts';
import { HeaderList, type NumberReader, type RecordKind, TransformError } from '../../transforms/shaped-record.ts';
import { ConversionError } from '../../values/value-writer.ts';
import { appendRouted, emptyRecord, type RouteDeps, RouteTree } from '../routes/record-route.ts';

type ControlRecordsDeps = RouteDeps & {
  readonly out: ByteWriter;
  readonly shapes: DebeziumShapes;
  readonly event: EventView;
  readonly chain: TransformChain;
  readonly publisher: Pick<Publisher, 'append'>;
  readonly topics: { readonly message: string; readonly transaction: string; readonly heartbeat: string };
  readonly onDropped: () => void;
};

type ControlKind = 'message' | 'begin' | 'end' | 'heartbeat';

/** All heartbeats go to one partition, so that they stay in order. */
const FIRST_PARTITION: NumberReader = () => 0;

export class ControlRecords {
  readonly #deps: ControlRecordsDeps;
  readonly #record: RecordView;
  readonly #trees = new Map<ControlKind, RouteTree>();

  constructor(deps: ControlRecordsDeps) {
    this.#deps = deps;
    this.#record = emptyRecord(deps.out);
  }

  message(message: LogicalMessage): undefined | Promise<void> {
    this.#deps.event.message = message;
    return this.#append('message');
  }

  begin(): undefined | Promise<void> {
    const { event } = this.#deps;
    event.eventCount = null;
    event.collections = null;
    return this.#append('begin');
  }

  end(eventCount: number, collections: readonly CollectionCount[]): undefined | Promise<void> {
    const { event } = this.#deps;
    event.eventCount = eventCount;
    event.collections = collections;
    return this.#append('end');
  }

  heartbeat(): undefined | Promise<void> {
    return this.#append('heartbeat');
  }

  /** Throws transform_failed. */
  #append(kind: ControlKind): undefined | Promise<void> {
    const { event, onDropped } = this.#deps;
    event.before = event.after = undefined;
    try {
      const route = this.#treeOf(kind).find(event);
      if (route === undefined) onDropped();
      else if (!route.isOpen) return route.open();
      else appendRouted(route, this.#deps, this.#record);
      return undefined;
    } catch (error) {
      if (!(error instanceof TransformError || error instanceof ConversionError)) throw error;
      throw new SlotlineError('transform_failed', { record: kind, lsn: formatLsn(event.info.lsn), reason: error.message });
    }
  }

  #treeOf(kind: ControlKind): RouteTree {
    let tree = this.#trees.get(kind);
    if (tree === undefined) {
      tree = this.#plan(kind);
      this.#trees.set(kind, tree);
    }
    return tree;
  }

  #plan(kind: ControlKind): RouteTree {
    const { chain, topics } = this.#deps;
    const { relation, key, value } = this.#shapeOf(kind);
    const isBoundary = kind === 'begin' || kind === 'end';
    const record = { relation, key, value, topic: isBoundary ? topics.transaction : topics[kind], timestamp: undefined };
    const recordKind: RecordKind = isBoundary ? 'boundary' : kind;
    const partition = kind === 'heartbeat' ? FIRST_PARTITION : undefined;
    return new RouteTree(chain.run({ ...record, kind: recordKind, partition, headers: new HeaderList([]) }), this.#deps);
  }

  #shapeOf(kind: ControlKind): RecordShape {
    const { shapes } = this.#deps;
    switch (kind) {
      case 'message':
        return shapes.message();
      case 'begin':
        return shapes.boundary('BEGIN');
      case 'end':
        return shapes.boundary('END');
      case 'heartbeat':
        return shapes.heartbeat();
    }
  }
}
