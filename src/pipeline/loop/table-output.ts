/**
 * Owns where the records of one relation version go and what writes them: compiled shapes, topic, dead letter. Each half of a record, key and
 * value, is opened by the first record that has it, so that nothing is registered or created which no record needs. Does not know which
 * records those are (change-writer.ts).
 */
import type { RowPlan } from '../../events/row-plan.ts';
import type { TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { TableRecords } from './table-records.ts';

export type TableOutputDeps = {
  /** Asks nobody. Throws string_key_bytes. */
  readonly compile: (plan: RowPlan) => TableRecords;
  readonly openTopic: (name: string) => Promise<TopicHandle>;
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
  readonly #plan: RowPlan;
  readonly #deps: TableOutputDeps;
  readonly #claimTopic: () => Promise<void>;
  #compiled: TableRecords | undefined;

  /** `claimTopic` throws where the topic is another table's. */
  constructor(plan: RowPlan, deps: TableOutputDeps, claimTopic: () => Promise<void>) {
    this.#plan = plan;
    this.#deps = deps;
    this.#claimTopic = claimTopic;
  }

  /** To try whether a row can be written at all: what it writes is not to be sent. */
  get trial(): TableRecords {
    this.#compiled ??= this.#deps.compile(this.#plan);
    return this.#compiled;
  }

  /** Resolves when records with a key, or only such without one, may be written. Throws registry_* and kafka_* errors. */
  async open({ withKey }: { readonly withKey: boolean }): Promise<void> {
    const { deadLetters } = this.#deps;
    await this.#claimTopic();
    try {
      await this.#openOwn(withKey);
    } catch (error) {
      if (!deadLetters?.accepts(error)) throw error;
      const { records, topic, deadLetter } = await deadLetters.take(this.#plan, error);
      this.records = records;
      this.topic = topic;
      this.deadLetter = deadLetter;
      this.isValueOpen = this.isOpen = true;
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
