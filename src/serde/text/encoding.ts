/** Owns the encodings of Kafka's string serializer. As in Java, a character that an encoding does not have becomes a question mark. */
import type { ByteWriter } from '../../core/byte-writer.ts';
import type { TextEncoding } from '../../core/options.ts';

const BYTE_ORDER_MARK = Buffer.from([0xfe, 0xff]);

/** Replaces the UTF-8 text from `start` to the end by the same text in the encoding. */
export function encodeText(out: ByteWriter, start: number, encoding: TextEncoding): void {
  if (encoding === 'UTF-8') return;
  const bytes = encoded(out.toOwned(start).toString('utf8'), encoding);
  out.length = start;
  out.all(bytes);
}

function encoded(text: string, encoding: Exclude<TextEncoding, 'UTF-8'>): Buffer {
  switch (encoding) {
    case 'UTF-16LE':
      return Buffer.from(text, 'utf16le');
    case 'UTF-16BE':
      return Buffer.from(text, 'utf16le').swap16();
    case 'UTF-16':
      return Buffer.concat([BYTE_ORDER_MARK, Buffer.from(text, 'utf16le').swap16()]);
    case 'ISO-8859-1':
      return limited(text, 0xff);
    case 'US-ASCII':
      return limited(text, 0x7f);
  }
}

function limited(text: string, max: number): Buffer {
  return Buffer.from(Array.from(text, (point) => ((point.codePointAt(0) ?? 0) <= max ? point : '?')).join(''), 'latin1');
}
