/**
 * Owns the adjustment of schema and field names to what Avro accepts (schema.name.adjustment.mode, field.name.adjustment.mode). Topic names
 * are not adjusted: topic.ts.
 * Source: io.debezium.schema.SchemaNameAdjuster, FieldNameSelector; all work on UTF-16 units.
 */
import type { NameAdjustment } from '../core/options.ts';

export type AdjustName = (name: string) => string;

/** For full names of schemas, in which dots stay. */
export function schemaNameAdjuster(mode: NameAdjustment): AdjustName {
  return adjuster(mode, /[.0-9]/);
}

/** For names of columns in keys and rows. */
export function fieldNameAdjuster(mode: NameAdjustment): AdjustName {
  return adjuster(mode, /[0-9]/);
}

/** `later`: what is also allowed after the first character. */
function adjuster(mode: NameAdjustment, later: RegExp): AdjustName {
  switch (mode) {
    case 'none':
      return (name) => name;
    case 'avro':
      return (name) => replaceUnits(name, { first: /[A-Za-z_]/, later, replace: underscore });
    case 'avro_unicode':
      // An underscore begins an escape, so underscores are escaped too.
      return (name) => replaceUnits(name, { first: /[A-Za-z]/, later, replace: escapeUnit });
  }
}

type Replacement = {
  readonly first: RegExp;
  readonly later: RegExp;
  readonly replace: (unit: string, isFirst: boolean) => string;
};

function replaceUnits(name: string, { first, later, replace }: Replacement): string {
  let adjusted = '';
  for (let i = 0; i < name.length; i++) {
    const unit = name.charAt(i);
    const isValid = first.test(unit) || (i > 0 && later.test(unit));
    adjusted += isValid ? unit : replace(unit, i === 0);
  }
  return adjusted;
}

/** Java's Character.isDigit: digits of every script. */
const DIGIT = /^\p{Nd}$/u;

/** A digit at the beginning is kept, after an underscore. */
function underscore(unit: string, isFirst: boolean): string {
  return isFirst && DIGIT.test(unit) ? `_${unit}` : '_';
}

/** Two hex digits are padded to four, but three stay three. That is what Debezium does. */
function escapeUnit(unit: string): string {
  const hex = unit.charCodeAt(0).toString(16);
  return `_u${hex.length <= 2 ? `00${hex}` : hex}`;
}
