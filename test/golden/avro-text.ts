/**
 * Owns reading Avro records into the text that Kafka's JSON converter would have written of the same data, so that recordings and
 * replays of both formats are compared by the same masks. A plain reader of its own: it keeps the order of maps and the bits of longs.
 */
import { formatFloat32, formatFloat64, quote } from '../../src/serde/json/lexical.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
type Named = Map<string, Json>;

/** One schema's reader: Avro's binary to JSON text. */
export type AvroReader = (binary: Buffer) => string;

export function avroReader(schemaText: string): AvroReader {
  const schema: Json = JSON.parse(schemaText);
  const named: Named = new Map();
  collectNames(schema, '', named);
  return (binary) => {
    const cursor = new Cursor(binary, named);
    const text = cursor.read(schema, '');
    if (cursor.at !== binary.length) throw new Error(`${binary.length - cursor.at} bytes are left`);
    return text;
  };
}

function fullName(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`;
}

function spaceOf(schema: { readonly [member: string]: Json }, space: string): string {
  return typeof schema['namespace'] === 'string' ? schema['namespace'] : space;
}

function isObject(schema: Json | undefined): schema is { readonly [member: string]: Json } {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function collectNames(schema: Json | undefined, space: string, named: Named): void {
  for (const branch of listOf(schema)) collectNames(branch, space, named);
  if (!isObject(schema)) return;
  if (schema['type'] !== 'record') {
    collectNames(schema['items'] ?? schema['values'], space, named);
    if (typeof schema['type'] === 'object') collectNames(schema['type'], space, named);
    return;
  }
  const inner = spaceOf(schema, space);
  named.set(fullName(String(schema['name']), inner), schema);
  for (const field of listOf(schema['fields'])) if (isObject(field)) collectNames(field['type'], inner, named);
}

class Cursor {
  at = 0;
  readonly #bytes: Buffer;
  readonly #named: Named;

  constructor(bytes: Buffer, named: Named) {
    this.#bytes = bytes;
    this.#named = named;
  }

  read(schema: Json | undefined, space: string): string {
    if (Array.isArray(schema)) return this.read(schema[Number(this.#long())], space);
    if (typeof schema === 'string')
      return this.#named.has(fullName(schema, space)) ? this.#reference(schema, space) : this.#primitive(schema);
    if (!isObject(schema)) throw new Error('not a schema');
    switch (schema['type']) {
      case 'record':
        return this.#record(schema, spaceOf(schema, space));
      case 'array':
        return this.#array(schema['items'], space);
      case 'map':
        return `{${this.#items(() => `${quote(this.#text())}:${this.read(schema['values'], space)}`).join(',')}}`;
      default:
        return this.read(schema['type'], space);
    }
  }

  #reference(name: string, space: string): string {
    const known = this.#named.get(fullName(name, space));
    if (!isObject(known)) throw new Error(`unknown type ${name}`);
    return this.#record(known, fullName(name, space).split('.').slice(0, -1).join('.'));
  }

  #record(schema: { readonly [member: string]: Json }, space: string): string {
    const members = listOf(schema['fields']).map((field) =>
      isObject(field) ? `${quote(String(field['name']))}:${this.read(field['type'], space)}` : '',
    );
    return `{${members.join(',')}}`;
  }

  /** An array of map entries is the form of a map whose keys are no text. */
  #array(items: Json | undefined, space: string): string {
    const isMap = isObject(items) && items['name'] === 'MapEntry';
    const printed = this.#items(() => this.read(items, space));
    if (!isMap) return `[${printed.join(',')}]`;
    return `[${printed.map((entry) => entry.replace(/^\{"key":(.*),"value":(.*)\}$/, '[$1,$2]')).join(',')}]`;
  }

  #items(readOne: () => string): string[] {
    const printed: string[] = [];
    for (let count = Number(this.#long()); count !== 0; count = Number(this.#long())) {
      for (let i = 0; i < count; i++) printed.push(readOne());
    }
    return printed;
  }

  #primitive(type: string): string {
    switch (type) {
      case 'null':
        return 'null';
      case 'boolean':
        return this.#bytes[this.at++] === 1 ? 'true' : 'false';
      case 'int':
      case 'long':
        return String(this.#long());
      case 'float':
        this.at += 4;
        return formatFloat32(this.#bytes.readFloatLE(this.at - 4));
      case 'double':
        this.at += 8;
        return formatFloat64(this.#bytes.readDoubleLE(this.at - 8));
      case 'bytes':
        return `"${this.#block().toString('base64')}"`;
      case 'string':
        return quote(this.#text());
      default:
        throw new Error(`unknown type ${type}`);
    }
  }

  #text(): string {
    return this.#block().toString('utf8');
  }

  #block(): Buffer {
    const length = Number(this.#long());
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #long(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new Error('the record ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
  }
}
