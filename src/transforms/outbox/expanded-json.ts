/**
 * Owns a JSON text as the struct that stands in it. The document is parsed once for each event: the fork asks for its schema, and what is read
 * by that schema afterwards is of the same text.
 */
import type { EventView } from '../../events/event-view.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { derived } from '../fields.ts';
import { TransformError } from '../shaped-record.ts';
import { isJsonArray, type JsonValue, parseJson } from './json-document.ts';
import { type JsonRules, jsonSchema, jsonValue } from './json-struct.ts';

/** `answer`: the schema as text; null: the value stays as it is. */
type Expansion = { readonly answer: string | null; readonly value: CapturedValue };
type Expand = (text: string) => Expansion;

const NONE: Expansion = { answer: null, value: null };
/** The answer for an empty array: it has no schema, and its text stays without one. */
export const NO_SCHEMA = '[]';

export class ExpandedJson {
  readonly #read: (event: EventView) => string | null;
  readonly #expand: Expand;
  #text: string | null = null;
  #last = NONE;

  constructor(read: (event: EventView) => string | null, expand: Expand) {
    this.#read = read;
    this.#expand = expand;
  }

  /** For a fork: what tells the schema of this event's value. Throws TransformError as `expand` does. */
  answer(event: EventView): string | null {
    return this.#expanded(event).answer;
  }

  shapeOf(answer: string): ValueShape {
    const schema: FieldSchema = JSON.parse(answer);
    return derived(schema, (event) => this.#expanded(event).value);
  }

  #expanded(event: EventView): Expansion {
    const text = this.#read(event);
    if (text === this.#text) return this.#last;
    const expansion = text === null ? NONE : this.#expand(text);
    this.#text = text;
    this.#last = expansion;
    return expansion;
  }
}

/**
 * Of an outbox's payload, whose struct has this name. What is no JSON, or has no schema, stays text.
 * Source: io.debezium.transforms.outbox.EventRouterDelegate.
 */
export function payloadExpansion(name: string, rules: JsonRules): Expand {
  return (text) => {
    const document = isDocument(text) ? parseJson(text) : undefined;
    if (document === undefined) return NONE;
    const schema = schemaOrNone(document, name, rules);
    if (schema === undefined) return isJsonArray(document) && document.length === 0 ? { answer: NO_SCHEMA, value: null } : NONE;
    return { answer: JSON.stringify(schema), value: fittingValue(document, schema) };
  };
}

/**
 * Of a logical message's content, whose struct has no name. Throws TransformError for what is no JSON object.
 * Source: io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent.
 */
export function contentExpansion(rules: JsonRules): Expand {
  return (text) => {
    const document = isDocument(text) ? parseJson(text) : undefined;
    if (document === undefined) throw new TransformError('Unable to parse logical decoding message content JSON string');
    const schema = jsonSchema(document, undefined, rules);
    if (schema?.type !== 'struct') throw new TransformError('Not a struct schema');
    return { answer: JSON.stringify(schema), value: jsonValue(document, schema) };
  };
}

/** Blanks before it are not allowed, and nothing but objects and arrays. */
function isDocument(text: string): boolean {
  return text.startsWith('{') || text.startsWith('[');
}

/** Undefined where Debezium cannot make one. */
function schemaOrNone(document: JsonValue, name: string, rules: JsonRules): FieldSchema | undefined {
  try {
    return jsonSchema(document, name, rules);
  } catch (error) {
    if (error instanceof TransformError) return undefined;
    throw error;
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
