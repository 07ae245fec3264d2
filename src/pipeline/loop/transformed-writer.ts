/**
 * Owns the step from one row change to its records where transforms are configured: each record of the change is routed by itself, in
 * Debezium's order, and may be dropped. Without transforms: change-writer.ts.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';
import { formatLsn } from '../../core/lsn.ts';
import type { Op } from '../../events/envelope.ts';
import type { EventView } from '../../events/event-view.ts';
import type { Publisher, RecordView } from '../../kafka/producer/publisher-contract.ts';
import type { TupleView } from '../../pgoutput/tuple.ts';
import type { HeaderTextWriter } from '../../serde/header-text.ts';
import { TransformError } from '../../transforms/shaped-record.ts';
import { ConversionError } from '../../values/value-writer.ts';
import type { ConversionFailures } from './conversion-failures.ts';
import { appendRouted, type RecordRoute, type RouteTree } from './record-route.ts';
import type { TablePlan } from './table-plans.ts';
import type { TableRecordKind } from './transformed-table.ts';

/** One record of a change, before its route is known. `other`: the row whose key is in a header. */
export type Emission = {
  readonly kind: TableRecordKind;
  readonly op: Op;
  readonly before: TupleView | undefined;
  readonly after: TupleView | undefined;
  readonly other?: TupleView;
};

type TransformedWriterDeps = {
  readonly out: ByteWriter;
  readonly event: EventView;
  readonly publisher: Pick<Publisher, 'append'>;
  readonly keyHeader: HeaderTextWriter;
  readonly tombstones: boolean;
  readonly failures: Pick<ConversionFailures, 'row'>;
  /** Called for each event that is sent or dropped, in order. */
  readonly onEvent: (op: Op, table: TablePlan) => void;
  readonly onDropped: () => void;
};

type Routed = {
  readonly emission: Emission;
  readonly record: RecordRoute | undefined;
  readonly tombstone: RecordRoute | 'none' | undefined;
};

export class TransformedWriter {
  readonly #deps: TransformedWriterDeps;
  readonly #record: RecordView;

  constructor(deps: TransformedWriterDeps) {
    this.#deps = deps;
    const { bytes } = deps.out;
    this.#record = { bytes, keyStart: 0, keyEnd: -1, valueStart: 0, valueEnd: -1, headers: Buffer.alloc(1), timestampMs: 0, partition: -1 };
  }

  /** A promise, for the first record of a route: nothing is written or counted yet, and the change is to be written again. */
  write(table: TablePlan, emissions: readonly Emission[]): undefined | Promise<void> {
    const routed = emissions.map((emission) => this.#route(table, emission));
    const closed = routed
      .flatMap(({ record, tombstone }) => [record, tombstone])
      .filter((route) => route !== undefined && route !== 'none')
      .filter((route) => !route.isOpen);
    if (closed.length > 0) return table.output.openRoutes(closed);
    for (const each of routed) this.#writeRouted(table, each);
    return undefined;
  }

  #route(table: TablePlan, emission: Emission): Routed {
    const trees = this.#named(table, () => table.output.transformed?.treesOf(emission.kind));
    if (trees === undefined) throw new SlotlineError('unexpected', { message: 'a table without transforms' });
    this.#setEvent(emission);
    const record = this.#found(table, () => trees.record);
    const tombstone = trees.tombstone === undefined || !this.#deps.tombstones ? 'none' : this.#found(table, trees.tombstone);
    return { emission, record, tombstone };
  }

  #found(table: TablePlan, tree: () => RouteTree): RecordRoute | undefined {
    return this.#named(table, () => tree().find(this.#deps.event));
  }

  #writeRouted(table: TablePlan, { emission, record, tombstone }: Routed): void {
    const { onEvent, onDropped } = this.#deps;
    onEvent(emission.op, table);
    this.#setEvent(emission);
    const otherKey = emission.other === undefined ? undefined : this.#keyText(table, emission.other);
    if (record === undefined) onDropped();
    else this.#named(table, () => appendRouted(record, { ...this.#deps, record: this.#record, otherKey }));
    if (tombstone === undefined) onDropped();
    else if (tombstone !== 'none') this.#named(table, () => appendRouted(tombstone, { ...this.#deps, record: this.#record, otherKey }));
  }

  #keyText(table: TablePlan, tuple: TupleView): Uint8Array {
    const { out, keyHeader } = this.#deps;
    out.reset();
    keyHeader.write(table.plan.key, tuple);
    return out.toOwned();
  }

  #setEvent({ op, before, after }: Emission): void {
    const { event, failures } = this.#deps;
    failures.row = event.info;
    event.op = op;
    event.before = before;
    event.after = after;
  }

  /** An error of a transform gets the place where it happened. */
  #named<T>(table: TablePlan, attempt: () => T): T {
    const { info } = this.#deps.event;
    const where = { table: table.collection, lsn: formatLsn(info.lsn) };
    try {
      return attempt();
    } catch (error) {
      if (error instanceof TransformError || error instanceof ConversionError)
        throw new SlotlineError('transform_failed', { ...where, reason: error.message });
      if (error instanceof SlotlineError && error.code === 'transform_failed')
        throw new SlotlineError(error.code, { ...where, ...error.details });
      throw error;
    }
  }
}
