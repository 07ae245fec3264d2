/**
 * Owns reading one range of a slot by both sources of frames, the replication stream and bulk decoding, each from a copy of the slot. What
 * is the same here is published the same: everything behind the sources sees frames and their LSNs only.
 */
import type pg from 'pg';
import { formatLsn, type Lsn, parseLsn } from '../../src/core/lsn.ts';
import { SYSTEM_CLOCK } from '../../src/core/time.ts';
import { loadFingerprints } from '../../src/postgres/catalog/catalog-moment.ts';
import { openSession } from '../../src/postgres/session/open-session.ts';
import { BulkDecode, type Slice } from '../../src/postgres/stream/bulk-decode.ts';
import { type FrameConsumer, ReplicationStream } from '../../src/postgres/stream/replication-stream.ts';
import { databaseOptions } from '../harness/database-options.ts';
import type { PostgresHandle } from '../harness/postgres.ts';
import { uniqueName } from '../harness/shared.ts';

const PUBLICATION = 'both_sources';
const NO_LIMIT = { queryTimeoutMs: 0 };

export type Range = {
  readonly server: PostgresHandle;
  readonly database: string;
  readonly slot: string;
  readonly fromLsn: Lsn;
  readonly toLsn: Lsn;
};

/** The slot from whose copies is read, and the publication of all tables. */
export async function openRange(client: pg.Client): Promise<{ slot: string; fromLsn: Lsn }> {
  await client.query(`create publication ${PUBLICATION} for all tables`);
  const slot = uniqueName('range');
  const { rows } = await client.query<{ lsn: string }>(`select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
  return { slot, fromLsn: parseLsn(rows[0]?.lsn ?? '') };
}

export async function endOfWal(client: pg.Client): Promise<Lsn> {
  // A message in a transaction of its own closes the range: the stream has it when it has everything.
  const { rows } = await client.query<{ lsn: string }>(`select pg_logical_emit_message(true, 'end', '')::text as lsn`);
  return parseLsn(rows[0]?.lsn ?? '');
}

/** One frame as text: its LSN and bytes, which a failed comparison shows. */
type Frames = string[];

/** Frames in the order they came. What only repeats the description of a relation, as each connection does, is left out on both sides. */
class Recorder implements FrameConsumer {
  readonly frames: Frames = [];
  readonly #endLsn: Lsn;
  readonly #onEnd: () => void;
  readonly #relations = new Map<number, string>();
  #isIn = false;
  #hasEnded = false;

  constructor(endLsn: Lsn, onEnd: () => void) {
    this.#endLsn = endLsn;
    this.#onEnd = onEnd;
  }

  onFrame(bytes: Uint8Array, start: number, end: number, lsn: Lsn): undefined {
    const frame = Buffer.from(bytes.subarray(start, end));
    const tag = String.fromCharCode(frame[0] ?? 0);
    if (tag === 'B') this.#isIn = true;
    if (tag === 'C') this.#isIn = false;
    // A type is described before each relation that has it; the loop takes no notice of it.
    if (this.#hasEnded || tag === 'Y' || (tag === 'R' && this.#isRepeated(frame))) return undefined;
    this.frames.push(`${formatLsn(lsn)} ${tag} ${frame.toString('hex')}`);
    if (tag === 'C' && lsn > this.#endLsn) {
      // Before version 15 transactions of other databases come too, as empty ones: not all that follow are read by both.
      this.#hasEnded = true;
      this.#onEnd();
    }
    return undefined;
  }

  #isRepeated(frame: Buffer): boolean {
    const oid = frame.readUInt32BE(1);
    const text = frame.toString('hex');
    const repeated = this.#relations.get(oid) === text;
    this.#relations.set(oid, text);
    return repeated;
  }

  get isInTransaction(): boolean {
    return this.#isIn;
  }

  onKeepalive(): void {}

  onDrained(): undefined {
    return undefined;
  }
}

async function withCopy<T>(client: pg.Client, range: Range, read: (slot: string) => Promise<T>): Promise<T> {
  const copy = uniqueName('copy');
  await client.query('select pg_copy_logical_replication_slot($1, $2)', [range.slot, copy]);
  try {
    return await read(copy);
  } finally {
    await client.query(
      `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active_pid is not null`,
      [copy],
    );
    await client.query('select pg_drop_replication_slot($1)', [copy]);
  }
}

export async function framesByStream(client: pg.Client, range: Range, fromLsn = range.fromLsn): Promise<Frames> {
  return await withCopy(client, range, async (slotName) => {
    const session = await openSession(databaseOptions(range.server, range.database, NO_LIMIT), {
      replication: true,
      applicationName: 'test stream',
    });
    const settings = { slotName, publicationName: PUBLICATION, startLsn: fromLsn, confirmedLsn: range.fromLsn };
    const stream = new ReplicationStream(
      session,
      { ...settings, messages: true, extraParams: [], statusIntervalMs: 1_000, walSenderTimeoutMs: 60_000 },
      SYSTEM_CLOCK,
    );
    const ended = Promise.withResolvers<void>();
    const recorder = new Recorder(range.toLsn, ended.resolve);
    await stream.start(recorder, { signal: new AbortController().signal, timeoutMs: 30_000 });
    await Promise.race([ended.promise, stream.done()]);
    await stream.close();
    return recorder.frames;
  });
}

type BulkReading = { readonly frames: Frames; readonly slices: readonly Slice[] };

/** `nextEdge` from where the last slice was asked to. Each slice must end between transactions. */
export async function framesByBulk(
  client: pg.Client,
  range: Range,
  o: { readonly nextEdge: (askedLsn: Lsn) => Lsn; readonly fromLsn?: Lsn; readonly readAheadBytes?: number },
): Promise<BulkReading> {
  return await withCopy(client, range, async (slotName) => {
    const session = await openSession(databaseOptions(range.server, range.database, NO_LIMIT), { applicationName: 'test bulk' });
    await using catalog = await openSession(databaseOptions(range.server, range.database, NO_LIMIT), { applicationName: 'test catalog' });
    const settings = {
      slotName,
      publicationName: PUBLICATION,
      messages: true,
      extraParams: [],
      readAheadBytes: o.readAheadBytes ?? 65_536,
      fingerprints: (oids: readonly number[]) => loadFingerprints(catalog, oids),
    };
    const bulk = await BulkDecode.open(session, settings, o.fromLsn ?? range.fromLsn);
    let ended = false;
    const recorder = new Recorder(range.toLsn, () => {
      ended = true;
    });
    const slices: Slice[] = [];
    let askedLsn = o.fromLsn ?? range.fromLsn;
    try {
      await bulk.run(recorder, {
        nextEdge: () => {
          if (ended) return undefined;
          askedLsn = o.nextEdge(askedLsn);
          return askedLsn;
        },
        onSlice: (slice) => {
          if (recorder.isInTransaction) throw new Error(`a slice ends inside a transaction, at ${formatLsn(slice.endLsn)}`);
          slices.push(slice);
        },
      });
    } finally {
      await bulk.close();
    }
    return { frames: recorder.frames, slices };
  });
}
