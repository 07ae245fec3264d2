/**
 * Owns what happens to a table's rows while the schema registry refuses its schema, with slotline.schema.incompatible.action=dlq: they go
 * to one topic, as JSON with schemas, with headers that say why. Such rows are records like all others: written, ordered by key and
 * acknowledged the same way. Does not judge schemas. It keeps nothing: the table's next version is registered anew.
 * Source of the headers: org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ConverterOptions, TaskOptions } from '../../core/options.ts';
import type { RowPlan } from '../../events/row-plan.ts';
import type { TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { JsonHalfSettings } from '../../serde/plain-halves.ts';
import { encodeHeaders, type Header } from '../../serde/record-headers.ts';
import type { TableRecords } from './table-records.ts';

export type DeadLetter = {
  /** The headers of every such record: first the context headers, then those about the error. */
  readonly headers: readonly Header[];
  /** The same headers, encoded as a record holds them. */
  readonly headerBlock: Buffer;
};

type DeadLettersDeps = {
  readonly compile: (plan: RowPlan) => TableRecords;
  readonly openTopic: () => Promise<TopicHandle>;
  readonly options: Pick<TaskOptions, 'name' | 'taskId' | 'keyConverter' | 'valueConverter'>;
  readonly contextHeaders: readonly Header[];
  readonly log: Log;
};

/** Keeps everything: each record has its schema, decimals are exact, and a null stays null even where the column has a default. */
export const DEAD_LETTER_FORMAT: JsonHalfSettings = { schemas: true, nullIsDefault: false, decimals: 'BASE64' };

/** How many refusals are remembered, so that each is logged once. Bounded, for tables may come and go without end. */
const TOLD_MAX = 10_000;

export class DeadLetters {
  readonly #deps: DeadLettersDeps;
  readonly #told = new Set<string>();

  constructor(deps: DeadLettersDeps) {
    this.#deps = deps;
  }

  /** True only for `registry_incompatible`: a missing or invalid schema would not be cured by the table's next version. */
  accepts(error: unknown): error is SlotlineError {
    return error instanceof SlotlineError && error.code === 'registry_incompatible';
  }

  /** Says where and how the rows of a refused relation version are written. Logs each refusal once. */
  async take(plan: RowPlan, error: SlotlineError): Promise<{ records: TableRecords; topic: TopicHandle; deadLetter: DeadLetter }> {
    const { compile, openTopic, contextHeaders, log } = this.#deps;
    const topic = await openTopic();
    const table = `${plan.schema}.${plan.table}`;
    // The registry's message is left out of the key: it may differ from one answer to the next.
    const { subject, version, fields } = error.details;
    const refusal = JSON.stringify([table, subject, version, fields]);
    if (!this.#told.has(refusal)) {
      this.#told.add(refusal);
      const [oldest] = this.#told;
      if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
      log.warn('schema.incompatible', { table, topic: topic.name, code: error.code, message: error.message, remedy: error.remedy });
    }
    const headers = [...contextHeaders, ...this.#errorHeaders(plan, error)];
    return { records: compile(plan), topic, deadLetter: { headers, headerBlock: encodeHeaders(headers) } };
  }

  /** Connect also has headers for the original partition and offset. They are left out: these records never were in another topic. */
  #errorHeaders(plan: RowPlan, error: SlotlineError): readonly Header[] {
    const { options } = this.#deps;
    const isKey = isKeySubject(error.details.subject);
    const texts: readonly (readonly [string, string])[] = [
      ['topic', plan.topic],
      ['connector.name', options.name],
      ['task.id', options.taskId],
      ['stage', isKey ? 'KEY_CONVERTER' : 'VALUE_CONVERTER'],
      ['class.name', converterClass(isKey ? options.keyConverter : options.valueConverter)],
      ['exception.class.name', error.code],
      ['exception.message', error.message],
    ];
    return texts.map(([name, text]) => [`__connect.errors.${name}`, Buffer.from(text)]);
  }
}

/** Subjects named by topic end in `-key` or `-value`; those named by record end in `.Key` or `.Envelope`. */
function isKeySubject(subject: unknown): boolean {
  return /(-key|\bKey)$/.test(String(subject));
}

const CONVERTER_CLASSES: Readonly<Record<string, string>> = {
  avro: 'io.confluent.connect.avro.AvroConverter',
  json: 'org.apache.kafka.connect.json.JsonConverter',
  json_schema: 'io.confluent.connect.json.JsonSchemaConverter',
  protobuf: 'io.confluent.connect.protobuf.ProtobufConverter',
  string: 'org.apache.kafka.connect.storage.StringConverter',
};

/** The class name that this converter has in Connect. */
function converterClass({ format }: Pick<ConverterOptions, 'format'>): string {
  return CONVERTER_CLASSES[format] ?? format;
}
