/**
 * Owns a ValueWriter that keeps what it is given as plain JavaScript values: for set-up (column defaults), for what a transform asks of a row,
 * and for tests.
 */

import type { ValueWriter } from './value-writer.ts';

export type CapturedValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CapturedValue[]
  | { [field: string]: CapturedValue }
  | Map<string, CapturedValue>;

type Container = CapturedValue[] | { [field: string]: CapturedValue } | Map<string, CapturedValue>;

type Frame = { readonly container: Container; member: string };

export class ValueCapture implements ValueWriter {
  value: CapturedValue | undefined;
  readonly #open: Frame[] = [];

  #put(value: CapturedValue): void {
    const frame = this.#open.at(-1);
    if (frame === undefined) this.value = value;
    else if (Array.isArray(frame.container)) frame.container.push(value);
    else if (frame.container instanceof Map) frame.container.set(frame.member, value);
    else frame.container[frame.member] = value;
  }

  #begin(container: Container): void {
    this.#put(container);
    this.#open.push({ container, member: '' });
  }

  #name(member: string): void {
    const frame = this.#open.at(-1);
    if (frame !== undefined) frame.member = member;
  }

  nullValue(): void {
    this.#put(null);
  }
  boolean(value: boolean): void {
    this.#put(value);
  }
  int32(value: number): void {
    this.#put(value);
  }
  int64(value: number): void {
    this.#put(value);
  }
  int64Big(value: bigint): void {
    const narrow = Number(value);
    this.#put(Number.isSafeInteger(narrow) ? narrow : value);
  }
  int64Digits(source: Uint8Array, start: number, end: number): void {
    this.int64Big(BigInt(text(source, start, end)));
  }
  float32(value: number): void {
    this.#put(value);
  }
  float64(value: number): void {
    this.#put(value);
  }
  utf8(source: Uint8Array, start: number, end: number): void {
    this.#put(text(source, start, end));
  }
  plainAscii(source: Uint8Array, start: number, end: number): void {
    this.#put(text(source, start, end));
  }
  bytes(source: Uint8Array, start: number, end: number): void {
    this.#put(Uint8Array.from(source.subarray(start, end)));
  }
  decimal(source: Uint8Array, start: number, end: number): void {
    this.bytes(source, start, end);
  }
  beginArray(): void {
    this.#begin([]);
  }
  element(): void {}
  endArray(): void {
    this.#open.pop();
  }
  beginStruct(): void {
    this.#begin({});
  }
  field(name: string): void {
    this.#name(name);
  }
  endStruct(): void {
    this.#open.pop();
  }
  beginMap(): void {
    this.#begin(new Map());
  }
  mapKey(source: Uint8Array, start: number, end: number): void {
    this.#name(text(source, start, end));
  }
  endMap(): void {
    this.#open.pop();
  }
  beginIntMap(): void {
    this.#begin(new Map());
  }
  intMapKey(key: number): void {
    this.#name(String(key));
  }
  endIntMap(): void {
    this.#open.pop();
  }
}

function text(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8');
}
