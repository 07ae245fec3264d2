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
import type { OnRefused } from '../../transforms/chain.ts';
import { TransformError } from '../../transforms/shaped-record.ts';
import { ConversionError } from '../../values/value-writer.ts';
import type { ConversionFailures } from '../loop/conversion-failures.ts';
import type { TablePlan } from '../loop/table-plans.ts';
import { appendRouted, emptyRecord, type RecordRoute } from './record-route.ts';
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
  readonly failures: Pick<ConversionFailures, 'row'>;
  readonly keyHeader: HeaderTextWriter;
  readonly tombstones: boolean;
  /** Called for each event that is sent or dropped, in order. */
  readonly onEvent: (op: Op, table: TablePlan) => void;
  readonly onDropped: () => void;
  /** Told of a record whose computed fields cannot be written; if it returns, the record is left out. */
  readonly onRefused: OnRefused;
};

export class TransformedWriter {
  readonly #deps: TransformedWriterDeps;
  readonly #record: RecordView;

  constructor(deps: TransformedWriterDeps) {
    this.#deps = deps;
    this.#record = emptyRecord(deps.out);
  }

  /** A promise, for the first record of a route: nothing is written or counted yet, and the change is to be written again. */
  write(table: TablePlan, emissions: readonly Emission[]): undefined | Promise<void> {
    try {
      const closed: RecordRoute[] = [];
      for (const emission of emissions) this.#route(table, emission, closed);
      if (closed.length > 0) return table.output.openRoutes(closed);
      for (const emission of emissions) this.#writeRouted(table, emission);
      return undefined;
    } catch (error) {
      throw this.#named(error, table);
    }
  }

  /** Finds the routes that are not open. A route is found again when its record is written, which costs less than to keep it. */
  #route(table: TablePlan, emission: Emission, closed: RecordRoute[]): void {
    const { event, tombstones } = this.#deps;
    const { record, tombstone } = treesOf(table, emission);
    this.#setEvent(emission);
    const route = record.find(event);
    if (route?.isOpen === false) closed.push(route);
    const second = tombstones ? tombstone?.().find(event) : undefined;
    if (second?.isOpen === false) closed.push(second);
  }

  #writeRouted(table: TablePlan, emission: Emission): void {
    const { event, tombstones, onEvent } = this.#deps;
    const { record, tombstone } = treesOf(table, emission);
    onEvent(emission.op, table);
    this.#setEvent(emission);
    const otherKey = emission.other === undefined ? undefined : this.#keyText(table, emission.other);
    this.#append(record.find(event), otherKey);
    if (tombstone !== undefined && tombstones) this.#append(tombstone().find(event), otherKey);
  }

  #append(route: RecordRoute | undefined, otherKey: Uint8Array | undefined): void {
    if (route === undefined) {
      this.#deps.onDropped();
      return;
    }
    try {
      appendRouted(route, this.#deps, this.#record, otherKey);
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      this.#deps.onRefused(new SlotlineError('transform_failed', { topic: route.topic.name, reason: error.message }));
      this.#deps.onDropped();
    }
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
  #named(error: unknown, table: TablePlan): unknown {
    const where = { table: table.collection, lsn: formatLsn(this.#deps.event.info.lsn) };
    if (error instanceof TransformError || error instanceof ConversionError)
      return new SlotlineError('transform_failed', { ...where, reason: error.message });
    if (error instanceof SlotlineError && error.code === 'transform_failed')
      return new SlotlineError(error.code, { ...where, ...error.details });
    return error;
  }
}

function treesOf({ output }: TablePlan, { kind }: Emission) {
  const { transformed } = output;
  if (transformed === undefined) throw new SlotlineError('unexpected', { message: 'a table without transforms' });
  return transformed.treesOf(kind);
}
