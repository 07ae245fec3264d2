/**
 * Owns the adjustment of schema and field names to what Avro takes (schema.name.adjustment.mode,
 * field.name.adjustment.mode). Topic names are not adjusted: topic.ts.
 * Source: io.debezium.schema.SchemaNameAdjuster, FieldNameSelector; all work on UTF-16 units.
 */
import type { NameAdjustment } from '../core/options.ts';

export type AdjustName = (name: string) => string;

/** Full names of schemas: dots stay. */
export function schemaNameAdjuster(mode: NameAdjustment): AdjustName {
  return adjuster(mode, /[.0-9]/);
}

/** Names of columns in keys and rows. */
export function fieldNameAdjuster(mode: NameAdjustment): AdjustName {
  return adjuster(mode, /[0-9]/);
}

/** `later`: what may stand behind the first character, besides what may stand there. */
function adjuster(mode: NameAdjustment, later: RegExp): AdjustName {
  switch (mode) {
    case 'none':
      return (name) => name;
    case 'avro':
      return (name) => replaceUnits(name, { first: /[A-Za-z_]/, later, replace: underscore });
    case 'avro_unicode':
      // The underscore announces an escape and so is escaped itself.
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

/** Java's Character.isDigit, which is not about ASCII alone. */
const DIGIT = /^\p{Nd}$/u;

/** A digit in front is kept behind an underscore. */
function underscore(unit: string, isFirst: boolean): string {
  return isFirst && DIGIT.test(unit) ? `_${unit}` : '_';
}

/** Two digits are filled up to four, three stay three: Debezium's way. */
function escapeUnit(unit: string): string {
  const hex = unit.charCodeAt(0).toString(16);
  return `_u${hex.length <= 2 ? `00${hex}` : hex}`;
}
