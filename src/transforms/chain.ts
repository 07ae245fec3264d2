/**
 * Owns the chain of transforms: the stages in order, each with its predicate. It is run once for each relation version and kind of record, and
 * once more for each answer to a fork. Source: org.apache.kafka.connect.runtime.TransformationChain, TransformationStage.
 */

import { SlotlineError } from '../core/errors.ts';
import type { TransformOptions } from '../core/options.ts';
import { PREDICATES, TRANSFORMS } from './classes.ts';
import type { Predicate } from './predicates.ts';
import { TransformSettings } from './settings.ts';
import { type Outcome, recordOutcome, type ShapedRecord, type Transform, TransformError } from './shaped-record.ts';

type Stage = {
  readonly alias: string;
  readonly transform: Transform;
  readonly predicate: Predicate | undefined;
  readonly negate: boolean;
};

export class TransformChain {
  readonly #stages: readonly Stage[];

  /** Throws transform_failed for options that a class cannot take. */
  constructor(options: readonly TransformOptions[]) {
    this.#stages = options.map(stageOf);
  }

  get isEmpty(): boolean {
    return this.#stages.length === 0;
  }

  /** Throws transform_failed where a stage cannot take the record. */
  run(record: ShapedRecord): Outcome {
    return this.#runFrom(0, record);
  }

  #runFrom(first: number, record: ShapedRecord): Outcome {
    let current = record;
    for (let i = first; i < this.#stages.length; i++) {
      const stage = this.#stages[i] as Stage;
      const outcome = attempted(stage, current, () => applied(stage, current));
      if (outcome.tag === 'dropped') return outcome;
      if (outcome.tag === 'fork') return this.#behind(stage, outcome, { next: i + 1, record: current });
      current = outcome.record;
    }
    return recordOutcome(current);
  }

  /** A fork whose branches go through the rest of the chain. Each has a list of headers of its own: what one appends is not in another. */
  #behind(stage: Stage, fork: Extract<Outcome, { tag: 'fork' }>, at: { readonly next: number; readonly record: ShapedRecord }): Outcome {
    const branch = (answer: string | null): Outcome => {
      const outcome = attempted(stage, at.record, () => fork.branch(answer));
      if (outcome.tag === 'dropped') return outcome;
      if (outcome.tag === 'fork') return this.#behind(stage, outcome, at);
      return this.#runFrom(at.next, { ...outcome.record, headers: outcome.record.headers.copy() });
    };
    return { ...fork, read: (event) => attempted(stage, at.record, () => fork.read(event)), branch };
  }
}

function stageOf({ alias, type, options, predicate, negate }: TransformOptions): Stage {
  const create = TRANSFORMS.get(type);
  const createPredicate = predicate === undefined ? undefined : PREDICATES.get(predicate.type);
  const isKnown = create !== undefined && (predicate === undefined || createPredicate !== undefined);
  if (!isKnown) throw new SlotlineError('transform_failed', { transform: alias, reason: 'the class is not known' });
  try {
    return {
      alias,
      transform: create(new TransformSettings(options)),
      predicate: predicate === undefined ? undefined : createPredicate?.(new TransformSettings(predicate.options)),
      negate,
    };
  } catch (error) {
    throw told(error, { transform: alias });
  }
}

function applied({ transform, predicate, negate }: Stage, record: ShapedRecord): Outcome {
  const verdict = predicate?.(record);
  if (verdict === undefined) return transform(record);
  if (typeof verdict === 'boolean') return verdict === negate ? recordOutcome(record) : transform(record);
  const branch = (answer: string | null): Outcome =>
    (answer === 'true') === negate ? recordOutcome(record) : transform({ ...record, headers: record.headers.copy() });
  return { tag: 'fork', read: (event) => String(verdict(event)), branch };
}

function attempted<T>({ alias }: Pick<Stage, 'alias'>, { relation, kind, topic }: ShapedRecord, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    const table = relation.table === '' ? undefined : `${relation.schema}.${relation.table}`;
    throw told(error, { transform: alias, table, topic, record: kind });
  }
}

function told(error: unknown, details: Readonly<Record<string, string | undefined>>): unknown {
  return error instanceof TransformError ? new SlotlineError('transform_failed', { ...details, reason: error.message }) : error;
}
