/**
 * Owns SwapGeometryCoordinates, which swaps x and y in geometries of certain reference systems.
 * Source: io.debezium.transforms.SwapGeometryCoordinates, io.debezium.spatial.GeometryTraverser.
 */
import type { CapturedValue } from '../../values/value-capture.ts';
import { memberOf } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { recordOutcome, type Transform, TransformError } from '../shaped-record.ts';
import { type ValueChange, withChangedValues } from './changed-values.ts';

const GEOMETRY = 'io.debezium.data.geometry.Geometry';
const DEFAULT_SRIDS = [4326, 3857, 4269];

export function swapCoordinates(settings: TransformSettings): Transform {
  const given = settings.list('srids').map(Number);
  const srids = new Set(given.length === 0 ? DEFAULT_SRIDS : given);
  const swapped = (value: NonNullable<CapturedValue>): CapturedValue => {
    const wkb = memberOf(value, 'wkb');
    const srid = memberOf(value, 'srid');
    return wkb instanceof Uint8Array && typeof srid === 'number' && srids.has(srid) ? { wkb: new Swap(wkb).swapped(), srid } : value;
  };
  const change: ValueChange = {
    leaf: (schema) => (schema.name === GEOMETRY ? { schema, convert: swapped } : undefined),
    structBasics: (schema) => schema,
    inLists: true,
  };
  return (record) =>
    whereThere(record, 'value', {
      present: (value) => recordOutcome(value.schema.type === 'struct' ? { ...record, value: withChangedValues(value, change) } : record),
      absent: () => recordOutcome(record),
    });
}

const HAS_Z = 0x8000_0000;
const HAS_M = 0x4000_0000;
const HAS_SRID = 0x2000_0000;
const TYPE_MASK = 0xff;
const DOUBLE_BYTES = 8;

const POINT = 1;
const LINE_STRING = 2;
const POLYGON = 3;
const MULTI_POINT = 4;
const MULTI_POLYGON = 6;
const COLLECTION = 7;

/** One walk over (E)WKB: byte order, type, SRID if the type says so, then counts and coordinates. */
class Swap {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #isLittle = true;
  /** Ordinates of a point. */
  #stride = 2;

  constructor(wkb: Uint8Array) {
    this.#bytes = Uint8Array.from(wkb);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Throws TransformError for what is no WKB. */
  swapped(): Uint8Array {
    try {
      this.#geometry();
    } catch (error) {
      if (error instanceof RangeError) throw new TransformError('Failed to swap EWKB/WKB coordinates');
      throw error;
    }
    return this.#bytes.subarray(0, this.#at);
  }

  #geometry(): void {
    const type = this.#header();
    this.#stride = 2 + ((type & HAS_Z) === 0 ? 0 : 1) + ((type & HAS_M) === 0 ? 0 : 1);
    if ((type & HAS_SRID) !== 0) this.#uint32();
    const base = type & TYPE_MASK;
    if (base === COLLECTION) this.#each(() => this.#geometry());
    else if (base >= MULTI_POINT && base <= MULTI_POLYGON) this.#each(() => this.#part(base - MULTI_POINT + POINT));
    else this.#body(base);
  }

  /** A part of a multiple geometry has as many ordinates as the whole. */
  #part(base: number): void {
    this.#header();
    this.#body(base);
  }

  #body(base: number): void {
    switch (base) {
      case POINT:
        this.#point();
        return;
      case LINE_STRING:
        this.#each(() => this.#point());
        return;
      case POLYGON:
        this.#each(() => this.#each(() => this.#point()));
        return;
      default:
        throw new TransformError(`Invalid geometry type: ${base}`);
    }
  }

  #point(): void {
    const start = this.#at;
    const end = start + this.#stride * DOUBLE_BYTES;
    if (end > this.#bytes.length) throw new RangeError();
    const x = this.#bytes.slice(start, start + DOUBLE_BYTES);
    this.#bytes.copyWithin(start, start + DOUBLE_BYTES, start + 2 * DOUBLE_BYTES);
    this.#bytes.set(x, start + DOUBLE_BYTES);
    this.#at = end;
  }

  #header(): number {
    this.#isLittle = this.#view.getUint8(this.#at++) === 1;
    return this.#uint32();
  }

  #uint32(): number {
    const value = this.#view.getUint32(this.#at, this.#isLittle);
    this.#at += 4;
    return value;
  }

  #each(visit: () => void): void {
    const isLittle = this.#isLittle;
    const count = this.#uint32();
    for (let i = 0; i < count; i++) {
      visit();
      this.#isLittle = isLittle;
    }
  }
}
