/** Owns whether a unique index can be a key: whether it always tells each row from every other. Does not choose one (row-plan.ts). */

export type KeyIndex = {
  readonly name: string;
  /** The columns of INCLUDE too: Debezium takes them as part of the key. */
  readonly columns: readonly string[];
  readonly keyColumns: readonly string[];
  readonly hasExpressions: boolean;
  readonly partial: boolean;
  readonly nullable: boolean;
  readonly nullsEqual: boolean;
  readonly immediate: boolean;
  readonly valid: boolean;
};

export function isSoundKey(index: KeyIndex): boolean {
  return !index.hasExpressions && index.keyColumns.length > 0 && whyNoKey(index).length === 0;
}

/** The reasons in plain words, to follow "the unique index that is the key". */
export function whyNoKey(index: KeyIndex): string[] {
  const reasons: string[] = [];
  if (index.nullable && !index.nullsEqual) reasons.push('may hold null, and rows with a null share their key');
  if (index.partial) reasons.push('has a WHERE, and rows outside of it share their key');
  if (!index.valid) reasons.push('is not valid, and equal rows may exist');
  if (!index.immediate) reasons.push('is deferrable, and within a transaction two rows may have one key');
  return reasons;
}
