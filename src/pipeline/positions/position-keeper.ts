/**
 * Owns that a position is stored before it is confirmed: it goes to the offset record first, and to the slot once every in-sync replica
 * has the record. So if the slot is ever ahead of the record, somebody else moved it, even after a crash (docs/adr/0013). Does not compute
 * positions (ledger.ts) or compare them at a start (offsets/continuity.ts).
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Lsn } from '../../core/lsn.ts';
import { type Clock, wait } from '../../core/time.ts';
import { isSnapshotUnfinished, type SlotMark, type StoredOffset } from '../../offsets/offset.ts';
import type { OffsetStore } from '../../offsets/store.ts';

/** Under load two writes a second. A topic that is not compacted for a week then holds 1.2 million small records. */
const COMMIT_PACE = { everyMs: 500, burst: 10 };
/** For positions that only keepalives moved. Losing one in a crash repeats nothing. */
const KEEPALIVE_PACE = { everyMs: 5_000, burst: 3 };
/** The pause before a refused write is tried again. */
const RETRY_MS = 1_000;

export type MarkedOffset = StoredOffset & { readonly mark: SlotMark };

type PositionKeeperDeps = {
  readonly store: Pick<OffsetStore, 'save'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The attempt's signal. */
  readonly signal: AbortSignal;
  /** Aborts when nothing is to be stored any more. */
  readonly ended: AbortSignal;
  /** Told each position that may be confirmed. No higher one may be. */
  readonly confirmer: { onStored(lsn: Lsn): void };
  /** Told why the position cannot be stored, and so is not confirmed; undefined once it is stored again. */
  readonly onTrouble: (error: SlotlineError | undefined) => void;
};

export class PositionKeeper {
  readonly #deps: PositionKeeperDeps;
  readonly #commits: Pace;
  readonly #keepalives: Pace;
  #offset: MarkedOffset;
  #wanted: Lsn;
  #hasChanges = false;
  #records = 0;
  #saving: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #troubled: string | undefined;
  #stopped = false;

  private constructor(deps: PositionKeeperDeps, offset: MarkedOffset) {
    this.#deps = deps;
    this.#offset = offset;
    this.#wanted = offset.mark.confirmedLsn;
    this.#commits = new Pace(deps.clock, COMMIT_PACE);
    this.#keepalives = new Pace(deps.clock, KEEPALIVE_PACE);
    deps.ended.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Stores `offset`, and resolves with the keeper when that is done. */
  static async begin(deps: PositionKeeperDeps, offset: MarkedOffset): Promise<PositionKeeper> {
    await deps.store.save(offset, deps.signal);
    return new PositionKeeper(deps, offset);
  }

  get offset(): MarkedOffset {
    return this.#offset;
  }

  /** The highest position that may be confirmed. */
  get storedLsn(): Lsn {
    return this.#offset.mark.confirmedLsn;
  }

  /** Stores another state at once: a snapshot has begun, or is complete. Not to be called while positions move. */
  async write(offset: MarkedOffset): Promise<void> {
    await this.#saving;
    await this.#deps.store.save(offset, this.#deps.signal);
    this.#offset = offset;
  }

  /** `lsn` is durable. `records`: how many are acknowledged; if unchanged, only keepalives moved it. `urgent`: the server waits for an answer. */
  request(lsn: Lsn, of: { readonly records: number; readonly urgent: boolean }): void {
    if (lsn > this.#wanted) this.#wanted = lsn;
    if (of.records !== this.#records) this.#hasChanges = true;
    this.#records = of.records;
    if (lsn <= this.storedLsn || of.urgent) this.#confirm(Math.min(lsn, this.storedLsn) as Lsn);
    this.#pump();
  }

  /** Resolves when everything that was requested is stored, or when `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.#wanted > this.storedLsn && !signal.aborted && !this.#stopped) {
      this.#saving ??= this.#save();
      await Promise.race([this.#saving, wait(RETRY_MS, signal)]);
      if (this.#troubled !== undefined && this.#saving === undefined) await wait(RETRY_MS, signal);
    }
  }

  #stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #confirm(lsn: Lsn): void {
    if (!this.#stopped) this.#deps.confirmer.onStored(lsn);
  }

  #pump(): void {
    if (this.#stopped || this.#saving !== undefined || this.#wanted <= this.storedLsn) return;
    const pace = this.#hasChanges ? this.#commits : this.#keepalives;
    const restMs = this.#troubled === undefined ? pace.restMs() : RETRY_MS;
    clearTimeout(this.#timer);
    if (restMs > 0) {
      this.#timer = setTimeout(() => this.#onTimer(pace), restMs);
      return;
    }
    pace.take();
    this.#saving = this.#save();
  }

  #onTimer(pace: Pace): void {
    if (this.#stopped || this.#saving !== undefined) return;
    pace.take();
    this.#saving = this.#save();
  }

  /** Never rejects. */
  async #save(): Promise<void> {
    const lsn = this.#wanted;
    const offset = movedTo(this.#offset, lsn, this.#deps.clock.nowUs());
    this.#hasChanges = false;
    try {
      await this.#deps.store.save(offset, this.#deps.signal);
      this.#offset = offset;
      this.#onTrouble(undefined);
      this.#confirm(lsn);
    } catch (error) {
      this.#hasChanges = true;
      if (!this.#deps.signal.aborted && !this.#stopped) this.#onTrouble(toSlotlineError(error));
    } finally {
      this.#saving = undefined;
      this.#pump();
    }
  }

  /** Logs once when the kind of trouble changes. */
  #onTrouble(error: SlotlineError | undefined): void {
    if (error !== undefined && error.code !== this.#troubled) {
      this.#deps.log.warn('position.not_stored', { code: error.code, message: error.message, remedy: error.remedy });
    }
    if (error === undefined && this.#troubled !== undefined) this.#deps.log.info('position.stored_again');
    if (error !== undefined || this.#troubled !== undefined) this.#deps.onTrouble(error);
    this.#troubled = error?.code;
  }
}

/** The offset with the new position. While a snapshot is unfinished the offset keeps saying so, and only the mark changes. */
function movedTo(offset: MarkedOffset, lsn: Lsn, nowUs: number): MarkedOffset {
  const mark = { ...offset.mark, confirmedLsn: lsn };
  if (isSnapshotUnfinished(offset)) return { ...offset, mark };
  // To Debezium these fields say: everything up to the commit that ends at `lsn` is done.
  const { txId: _, ...kept } = offset;
  return { ...kept, lsn, lsnProc: lsn, lsnCommit: lsn, messageType: 'COMMIT', tsUs: nowUs, mark };
}

/** Allows one write in `everyMs` on average, and `burst` writes at once after a pause. */
class Pace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #burstMs: number;
  #paidUntilMs = 0;

  constructor(clock: Clock, o: { readonly everyMs: number; readonly burst: number }) {
    this.#clock = clock;
    this.#everyMs = o.everyMs;
    this.#burstMs = o.everyMs * (o.burst - 1);
  }

  restMs(): number {
    return Math.max(0, this.#paidUntilMs - this.#burstMs - this.#clock.monotonicMs());
  }

  take(): void {
    this.#paidUntilMs = Math.max(this.#paidUntilMs, this.#clock.monotonicMs()) + this.#everyMs;
  }
}
