/**
 * Owns where the records of one relation version go and what writes them: compiled shapes, topic, dead letter. Each half of a record, key and
 * value, is opened by the first record that has it, so that nothing is registered or created which no record needs. Does not know which
 * records those are (change-writer.ts).
 */
import type { RowPlan } from '../../events/row-plan.ts';
import type { TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { RecordRoute } from '../routes/record-route.ts';
import type { TransformedTable } from '../routes/transformed-table.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { TableRecords } from './table-records.ts';

export type TableOutputDeps = {
  /** Asks nobody. Throws string_key_bytes. */
  readonly compile: (plan: RowPlan) => TableRecords;
  readonly openTopic: (name: string) => Promise<TopicHandle>;
  /** Undefined: no transforms are configured. Asks nobody. */
  readonly transform: ((plan: RowPlan) => TransformedTable) | undefined;
  /** Undefined: what the registry refuses ends the attempt. */
  readonly deadLetters: Pick<DeadLetters, 'accepts' | 'take'> | undefined;
};

export class TableOutput {
  /** Any record of the table may be written. Looked at for each row: nothing is waited for once it is true. */
  isOpen = false;
  /** Records without a key may be written. */
  isValueOpen = false;
  records: TableRecords = NOT_OPEN;
  topic: TopicHandle = NO_TOPIC;
  /** The registry refused this version of the table: from then on its rows go elsewhere. Undefined in all others. */
  deadLetter: DeadLetter | undefined;
  /** Routes of its records, where transforms are configured and the registry has not refused this version. */
  transformed: TransformedTable | undefined;
  readonly #plan: RowPlan;
  readonly #deps: TableOutputDeps;
  readonly #claimTopic: () => Promise<void>;
  #compiled: TableRecords | undefined;

  /** `claimTopic` throws where the topic is another table's. */
  constructor(plan: RowPlan, deps: TableOutputDeps, claimTopic: () => Promise<void>) {
    this.#plan = plan;
    this.#deps = deps;
    this.#claimTopic = claimTopic;
    this.transformed = deps.transform?.(plan);
  }

  /** Opens these routes. Where the registry refuses a schema, the version's records are dead letters from then on. Throws registry_* and kafka_*. */
  async openRoutes(routes: readonly RecordRoute[]): Promise<void> {
    await this.#orDeadLetter(async () => {
      for (const route of routes) if (!route.isOpen) await route.open();
    });
  }

  /** To try whether a row can be written at all: what it writes is not to be sent. */
  get trial(): TableRecords {
    this.#compiled ??= this.#deps.compile(this.#plan);
    return this.#compiled;
  }

  /** Resolves when records with a key, or only such without one, may be written. Throws registry_* and kafka_* errors. */
  async open({ withKey }: { readonly withKey: boolean }): Promise<void> {
    await this.#claimTopic();
    await this.#orDeadLetter(() => this.#openOwn(withKey));
  }

  async #orDeadLetter(open: () => Promise<void>): Promise<void> {
    const { deadLetters } = this.#deps;
    try {
      await open();
    } catch (error) {
      if (!deadLetters?.accepts(error)) throw error;
      const { records, topic, deadLetter } = await deadLetters.take(this.#plan, error);
      this.records = records;
      this.topic = topic;
      this.deadLetter = deadLetter;
      this.isValueOpen = this.isOpen = true;
      this.transformed = undefined;
    }
  }

  /** The next record opens it anew. */
  close(): void {
    this.isOpen = this.isValueOpen = false;
  }

  /** Key, value, topic, as Connect has it: a topic of a table that is refused is not created. */
  async #openOwn(withKey: boolean): Promise<void> {
    const records = this.trial;
    const { topic } = this.#plan;
    if (withKey) await records.row.key?.open(topic);
    if (!this.isValueOpen) {
      await records.row.value?.open(topic);
      this.topic = await this.#deps.openTopic(topic);
      this.records = records;
      this.isValueOpen = true;
    }
    this.isOpen = withKey || this.#plan.keySchema === undefined;
  }
}

function notOpen(): never {
  throw new Error('a record was written before its table was open');
}

const CLOSED = { open: notOpen, write: notOpen };
const NOT_OPEN: TableRecords = { row: { key: CLOSED, value: CLOSED }, truncate: { key: undefined, value: CLOSED } };
const NO_TOPIC: TopicHandle = { name: '', partitionCount: 0, recordBatchBytesMax: 0 };
