/**
 * Owns the bytes of record headers as a Kafka record of format v2 has them, printed once per kind of record.
 * Grammar: varint count, then per header: varint key length, key, varint value length, value (varints zig-zag).
 * Names and order are Debezium's: first __debezium.newkey or .oldkey, then the four context headers.
 */
import { ByteWriter } from '../core/byte-writer.ts';

/** A null value is none, which differs from an empty one. */
export type Header = readonly [name: string, value: Uint8Array | null];

export function encodeHeaders(headers: readonly Header[]): Buffer {
  const out = new ByteWriter(256);
  writeHeaderCount(out, headers.length);
  for (const header of headers) writeHeader(out, header);
  return out.toOwned();
}

/** The count stands before the headers. */
export function writeHeaderCount(out: ByteWriter, count: number): void {
  writeVarint(out, count);
}

export function writeHeader(out: ByteWriter, [name, value]: Header): void {
  writeVarint(out, Buffer.byteLength(name));
  out.text(name);
  writeVarint(out, value === null ? -1 : value.length);
  if (value !== null) out.all(value);
}

/** Context headers of every data-change record (extended.headers.enabled). Source: Debezium's extended headers. */
export function contextHeaders(context: { connectorLogicalName: string; taskId: string; runId: string }): readonly Header[] {
  return [
    ['__debezium.context.connectorLogicalName', Buffer.from(context.connectorLogicalName)],
    ['__debezium.context.taskId', Buffer.from(context.taskId)],
    ['__debezium.context.connectorName', Buffer.from('postgresql')],
    ['__debezium.context.runId', Buffer.from(context.runId)],
  ];
}

function writeVarint(out: ByteWriter, value: number): void {
  let rest = value < 0 ? -2 * value - 1 : value << 1;
  while (rest > 0x7f) {
    out.byte((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.byte(rest);
}
