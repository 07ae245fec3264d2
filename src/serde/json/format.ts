/**
 * Owns JSON as Connect's JsonConverter writes it, with or without the schema around the value, and as Confluent's JSON Schema converter writes
 * it. Source: org.apache.kafka.connect.json.JsonConverter.
 */
import { byteAt } from '../../core/byte-reader.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { Format, FormatRules, LeadRules, Place } from '../format.ts';
import { JsonSchemaValueWriter } from '../json-schema/values.ts';
import { printSchema } from './connect-schema.ts';
import { quote } from './lexical.ts';
import { type DecimalFormat, type JsonNode, JsonValueWriter } from './value-writer.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export type JsonFormatSettings = {
  readonly decimals: DecimalFormat;
  /** replace.null.with.default, or the opposite of ignore.default.for.nullables. */
  readonly nullIsDefault: boolean;
  /** True: maps whose keys are not text become lists of `{"key":…,"value":…}`. Else: lists of pairs. */
  readonly mapsAreEntries?: boolean;
};

export class JsonFormat implements Format<JsonNode> {
  readonly rules: FormatRules;
  readonly lead: LeadRules<JsonNode> = LEAD;
  readonly #settings: JsonFormatSettings;

  constructor(settings: JsonFormatSettings) {
    this.#settings = settings;
    this.rules = { flattens: true, copies: true, nullIsDefault: settings.nullIsDefault, requiredTakesNull: true };
  }

  writer(out: ByteWriter): JsonValueWriter {
    const { decimals, mapsAreEntries } = this.#settings;
    return mapsAreEntries === true ? new JsonSchemaValueWriter(out, decimals) : new JsonValueWriter(out, decimals);
  }

  node({ type }: FieldSchema, place: Place): JsonNode {
    if (place === undefined) return WHOLE;
    const text = `${place.position === 0 ? '' : ','}${quote(place.field)}:`;
    const lead = owned(text);
    return { lead, opening: type === 'struct' ? owned(`${text}{`) : lead };
  }

  openText(ascii: ByteWriter, out: ByteWriter): void {
    const { bytes: source, length } = ascii;
    out.ensure(1 + 2 * length);
    const target = out.bytes;
    let at = out.length;
    target[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const byte = byteAt(source, i);
      if (byte === QUOTE) target[at++] = BACKSLASH;
      target[at++] = byte;
    }
    out.length = at;
  }

  textBehind(text: string): Uint8Array {
    return owned(quote(text).slice(1));
  }
}

/** An array of its own, because hot loops copy from it; a small Buffer is a slice of a shared pool. */
function owned(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

const WHOLE: JsonNode = { lead: owned(''), opening: owned('{') };

const LEAD: LeadRules<JsonNode> = {
  prepend: (bytes, { lead, opening }) => {
    const longer = joined(bytes, lead);
    return { lead: longer, opening: opening === lead ? longer : joined(bytes, opening) };
  },
  bytesOf: ({ lead }) => lead,
  withoutBytes: () => WHOLE,
};

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** What JsonConverter puts around a value with schemas.enable: `{"schema":…,"payload":` and `}`. */
export function schemaWrapping(schema: FieldSchema, decimals: DecimalFormat): { readonly head: Uint8Array; readonly tail: Uint8Array } {
  return { head: owned(`{"schema":${printSchema(schema, { decimals })},"payload":`), tail: owned('}') };
}
