/**
 * Owns how an attempt ends: the signal that aborts it, the fence that closes with it, and what a stop does. Before the attempt streams, a
 * stop ends it at once: nothing was taken in yet. Once it streams, the reading ends itself in order (reading/streaming.ts).
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

  /** `stop` aborts when an orderly stop is asked for. */
  constructor(fence: Pick<Fence, 'close'>, stop: AbortSignal) {
    this.#fence = fence;
    this.#stop = stop;
    this.#scope.listen(stop, () => {
      if (this.#stage === 'starts') this.fail(new SlotlineError('stream_ended', { reason: 'stopped' }));
    });
  }

  /** Aborts when the attempt must end. The reason is the first failure. */
  get signal(): AbortSignal {
    return this.#failed.signal;
  }

  /** A stop came before the attempt streamed. It is then an orderly end, whatever else failed. */
  get isStopped(): boolean {
    return this.#stop.aborted && this.#stage === 'starts';
  }

  /** The attempt streams now: a stop is handled by the reading from here on. */
  streams(): void {
    this.#stage = 'streams';
  }

  /** Closes the fence, so that nothing is sent any more, and aborts everything that waits. */
  readonly fail = (error: unknown): void => {
    this.#fence.close();
    this.#failed.abort(toSlotlineError(error));
  };

  [Symbol.dispose](): void {
    this.#scope[Symbol.dispose]();
  }
}
