/**
 * Owns a column of JSON text as the struct that stands in it. The document is parsed once for each event: the fork asks for its schema, and
 * what is read by that schema afterwards is of the same text.
 */
import type { EventView } from '../../events/event-view.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { derived, textOf } from '../fields.ts';
import type { ValueReader } from '../read-value.ts';
import { TransformError } from '../shaped-record.ts';
import { type JsonValue, parseJson } from './json-document.ts';
import { type JsonRules, jsonSchema, jsonValue } from './json-struct.ts';

/** `answer`: the schema as text; null: the value stays as it is. */
type Expansion = { readonly answer: string | null; readonly value: CapturedValue };

const NONE: Expansion = { answer: null, value: null };

export class ExpandedJson {
  readonly #read: ValueReader;
  readonly #name: string;
  readonly #rules: JsonRules;
  #text: string | null = null;
  #last = NONE;

  /** `name`: of the struct. */
  constructor(read: ValueReader, name: string, rules: JsonRules) {
    this.#read = read;
    this.#name = name;
    this.#rules = rules;
  }

  /** For a fork: what tells the schema of this event's value. Throws TransformError for a document that has a schema, but not the values of it. */
  answer(event: EventView): string | null {
    return this.#expand(event).answer;
  }

  shapeOf(answer: string): ValueShape {
    const schema: FieldSchema = JSON.parse(answer);
    return derived(schema, (event) => this.#expand(event).value);
  }

  #expand(event: EventView): Expansion {
    const text = textOf(this.#read(event));
    if (text === this.#text) return this.#last;
    const expansion = text === null ? NONE : this.#expansionOf(text);
    this.#text = text;
    this.#last = expansion;
    return expansion;
  }

  #expansionOf(text: string): Expansion {
    const document = text.startsWith('{') || text.startsWith('[') ? parseJson(text) : undefined;
    const schema = document === undefined ? undefined : this.#schemaOf(document);
    if (document === undefined || schema === undefined) return NONE;
    return { answer: JSON.stringify(schema), value: fittingValue(document, schema) };
  }

  /** Undefined where Debezium cannot make one, and publishes the text. */
  #schemaOf(document: JsonValue): FieldSchema | undefined {
    try {
      return jsonSchema(document, this.#name, this.#rules);
    } catch (error) {
      if (error instanceof TransformError) return undefined;
      throw error;
    }
  }
}

/** By then Debezium has given the text the document's schema, which fits no text: its converter fails. So does a document that is an array. */
function fittingValue(document: JsonValue, schema: FieldSchema): CapturedValue {
  const failed = new TransformError(`Invalid type for ${schema.type.toUpperCase()}: class java.lang.String`);
  if (schema.type !== 'struct') throw failed;
  try {
    return jsonValue(document, schema);
  } catch (error) {
    throw error instanceof TransformError ? failed : error;
  }
}
