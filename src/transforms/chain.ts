/**
 * Owns the chain of transforms: the stages in order, each with its predicate. It is run once for each relation version and kind of record, and
 * once more for each answer to a fork. Source: org.apache.kafka.connect.runtime.TransformationChain, TransformationStage.
 */

import { SlotlineError } from '../core/errors.ts';
import type { TransformOptions } from '../core/options.ts';
import type { EventView } from '../events/event-view.ts';
import { PREDICATES, TRANSFORMS } from './classes.ts';
import type { Predicate } from './predicates.ts';
import { TransformSettings } from './settings.ts';
import { DROPPED, type Outcome, recordOutcome, type ShapedRecord, type Transform, TransformError } from './shaped-record.ts';

type Stage = {
  readonly alias: string;
  readonly transform: Transform;
  readonly predicate: Predicate | undefined;
  readonly negate: boolean;
};

/** Told of each record that a stage cannot take; if it returns, the record is left out (errors.tolerance=all). */
export type OnRefused = (error: SlotlineError) => void;

function refuse(error: SlotlineError): void {
  throw error;
}

/** What a fork reads where reading it has failed. No column holds a NUL. */
const REFUSED = '\0refused';

export class TransformChain {
  readonly #stages: readonly Stage[];
  readonly #onRefused: OnRefused;

  /** Throws transform_failed for options that a class cannot take. */
  constructor(options: readonly TransformOptions[], onRefused: OnRefused = refuse) {
    this.#stages = options.map(stageOf);
    this.#onRefused = onRefused;
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
      const outcome = this.#attempted(stage, current, { attempt: () => applied(stage, current), otherwise: DROPPED });
      if (outcome.tag === 'dropped') return outcome;
      if (outcome.tag === 'fork') return this.#behind(stage, outcome, { next: i + 1, record: current });
      current = outcome.record;
    }
    return recordOutcome(current);
  }

  /** A fork whose branches go through the rest of the chain. Each has a list of headers of its own: what one appends is not in another. */
  #behind(stage: Stage, fork: Extract<Outcome, { tag: 'fork' }>, at: { readonly next: number; readonly record: ShapedRecord }): Outcome {
    const branch = (answer: string | null): Outcome => {
      if (answer === REFUSED) return DROPPED;
      const outcome = this.#attempted(stage, at.record, { attempt: () => fork.branch(answer), otherwise: DROPPED });
      if (outcome.tag === 'dropped') return outcome;
      if (outcome.tag === 'fork') return this.#behind(stage, outcome, at);
      return this.#runFrom(at.next, { ...outcome.record, headers: outcome.record.headers.copy() });
    };
    const read = (event: EventView): string | null =>
      this.#attempted(stage, at.record, { attempt: () => fork.read(event), otherwise: REFUSED });
    return { ...fork, read, branch };
  }

  #attempted<T>(
    { alias }: Pick<Stage, 'alias'>,
    { relation, kind, topic }: ShapedRecord,
    { attempt, otherwise }: { readonly attempt: () => T; readonly otherwise: T },
  ): T {
    try {
      return attempt();
    } catch (error) {
      const table = relation.table === '' ? undefined : `${relation.schema}.${relation.table}`;
      const known = told(error, { transform: alias, table, topic, record: kind });
      if (!(known instanceof SlotlineError) || known.code !== 'transform_failed') throw known;
      this.#onRefused(known);
      return otherwise;
    }
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

function told(error: unknown, details: Readonly<Record<string, string | undefined>>): unknown {
  return error instanceof TransformError ? new SlotlineError('transform_failed', { ...details, reason: error.message }) : error;
}
