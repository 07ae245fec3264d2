/**
 * Owns what the loop asks of a format: how the records of one relation version are written, and those that are no rows. A format with a
 * schema registry has something to open first (registry/registered-serde.ts); the others are open at once.
 */
import type { ByteWriter } from '../core/byte-writer.ts';
import type { ResolvedOptions } from '../core/options.ts';
import type { RowPlan } from '../events/row-plan.ts';
import type { CollectionCount } from '../events/transaction.ts';
import type { LogicalMessage } from '../pgoutput/messages.ts';
import type { ControlKind } from './avro/control.ts';
import type { EventFacts } from './json/serde.ts';
import type { SourceConstants } from './json/source.ts';
import type { ConversionFailure, RowSerializer } from './serializer.ts';

/** Writes of records that are not rows: each resets `out`, appends the key, then the value, and returns where the key ends. */
export interface ControlSerde {
  writeMessage(message: LogicalMessage): number;
  writeBegin(): number;
  writeEnd(eventCount: number, collections: readonly CollectionCount[]): number;
  writeHeartbeat(): number;
}

/** How the records of one relation version are written; each half has to be open before a record with it is sent. */
export type TableSerde = {
  readonly serializer: RowSerializer;
  /** The key's schema is registered, where the format has one. Throws registry_* errors. */
  openKey(): Promise<void>;
  /** The same of the value's. */
  openValue(): Promise<void>;
};

export interface TaskSerde extends ControlSerde {
  readonly out: ByteWriter;
  /** Asks and registers nothing. Throws string_key_bytes. */
  table(plan: RowPlan): TableSerde;
  /** Before the first record of the kind. */
  openControl(kind: ControlKind, topic: string): Promise<void>;
}

/** What every format is made from. */
export type SerdeDeps = {
  readonly options: Pick<ResolvedOptions, 'keyConverter' | 'valueConverter' | 'events'>;
  readonly constants: SourceConstants;
  readonly facts: EventFacts;
  readonly onFailure: (failure: ConversionFailure) => void;
};
