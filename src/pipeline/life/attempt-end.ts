/**
 * Owns how an attempt ends: its signal, the fence that closes with it, and what a stop means to it. Before it streams there is nothing to
 * settle: a stop ends it at once, and the next start begins again. Once it streams the reading ends in order by itself (reading/streaming.ts).
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import type { Fence } from '../positions/fence.ts';

export class AttemptEnd implements Disposable {
  readonly #fence: Pick<Fence, 'close'>;
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();
  readonly #scope = new Scope();
  #stage: 'starts' | 'streams' = 'starts';

  /** `stop`: an orderly stop is asked for. */
  constructor(fence: Pick<Fence, 'close'>, stop: AbortSignal) {
    this.#fence = fence;
    this.#stop = stop;
    this.#scope.listen(stop, () => {
      if (this.#stage === 'starts') this.fail(new SlotlineError('stream_ended', { reason: 'stopped' }));
    });
  }

  /** Aborts when the attempt must end, with the first reason. */
  get signal(): AbortSignal {
    return this.#failed.signal;
  }

  /** A stop came before it streamed: then that is all there is to say, whatever else broke. */
  get isStopped(): boolean {
    return this.#stop.aborted && this.#stage === 'starts';
  }

  /** From here on a stop is the reading's. */
  streams(): void {
    this.#stage = 'streams';
  }

  /** Nothing is sent any more, and everything that waits ends. */
  readonly fail = (error: unknown): void => {
    this.#fence.close();
    this.#failed.abort(toSlotlineError(error));
  };

  [Symbol.dispose](): void {
    this.#scope[Symbol.dispose]();
  }
}
