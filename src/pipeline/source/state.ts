/**
 * Owns what a process remembers of its source from one attempt to the next: the last look, and what is not well since, for health and
 * metrics. Does not look and does not judge.
 */
import type { SourceFacts } from '../../postgres/catalog/source-facts.ts';

type SourceTrouble = { readonly kind: string; readonly message: string; readonly remedy: string };

/** More kinds than there are; whatever goes wrong this does not grow. */
const TROUBLES_MAX = 50;

export class SourceState {
  /** What was seen last and is accounted for: the next look is compared with it. */
  known: SourceFacts | undefined;
  looks = 0;
  looksFailed = 0;
  /** By severity. */
  readonly changes: Record<'loss' | 'warning' | 'info', number> = { loss: 0, warning: 0, info: 0 };
  /** Notices and warnings of the server in the stream. */
  notices = 0;
  /** Rows are missing: said until the process ends, for nothing else tells of it. */
  readonly #losses = new Map<string, SourceTrouble>();
  /** Said until it is put right. */
  #standing: readonly SourceTrouble[] = [];

  get troubles(): readonly SourceTrouble[] {
    return [...this.#losses.values(), ...this.#standing];
  }

  addLoss(trouble: SourceTrouble): void {
    if (this.#losses.size < TROUBLES_MAX) this.#losses.set(trouble.kind, trouble);
  }

  set standing(troubles: readonly SourceTrouble[]) {
    this.#standing = troubles;
  }

  get standing(): readonly SourceTrouble[] {
    return this.#standing;
  }
}
