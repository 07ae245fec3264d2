/**
 * Owns xmin.fetch.interval.ms: reads the slot's catalog_xmin, which events then show as source.xmin. Debezium asks between events once the
 * interval has passed; here a timer does, so that no event waits for the answer.
 * Source: io.debezium.connector.postgresql.PostgresTaskContext.getSlotXmin.
 */
import type { Log } from '../../core/log.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { loadSlot } from '../../postgres/stream/slot.ts';

type SlotXminDeps = {
  readonly intervalMs: number;
  readonly slot: string;
  readonly sql: PgSession;
  readonly info: Pick<SourceInfo, 'setXmin'>;
  readonly log: Log;
};

export class SlotXmin {
  readonly #deps: SlotXminDeps;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(deps: SlotXminDeps) {
    this.#deps = deps;
  }

  /** Resolves when the first value is known, so that every event of the stream has one. */
  async start(): Promise<void> {
    await this.#read();
    this.#timer = setInterval(() => {
      if (!this.#isReading) this.#read().catch((error: unknown) => this.#deps.log.debug('slot.xmin_unread', { message: String(error) }));
    }, this.#deps.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Rejects when the session is lost. That ends the attempt elsewhere; the last value stays until then. */
  async #read(): Promise<void> {
    const { sql, slot, info } = this.#deps;
    this.#isReading = true;
    try {
      info.setXmin((await loadSlot(sql, slot))?.catalogXmin ?? null);
    } finally {
      this.#isReading = false;
    }
  }
}
