/** Control records without transforms, whose topics are open at once. */
import type { DebeziumShapes } from '../../src/events/debezium-shapes.ts';
import type { EventView } from '../../src/events/event-view.ts';
import type { Publisher } from '../../src/kafka/producer/publisher-contract.ts';
import { ControlRecords } from '../../src/pipeline/loop/control-records.ts';
import type { RecordSerde } from '../../src/serde/record-serde.ts';
import { TransformChain } from '../../src/transforms/chain.ts';

type Parts = {
  readonly serde: RecordSerde;
  readonly shapes: DebeziumShapes;
  readonly event: EventView;
  readonly publisher: Pick<Publisher, 'append'>;
};

export function controlRecords(parts: Parts): ControlRecords {
  return new ControlRecords({
    ...parts,
    out: parts.serde.out,
    chain: new TransformChain([]),
    topics: { message: 'p.message', transaction: 'p.transaction', heartbeat: 'p.heartbeat' },
    openTopic: async (name) => ({ name, partitionCount: 1, recordBatchBytesMax: 1_000_000 }),
    onDropped: () => {},
  });
}
