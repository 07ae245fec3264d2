/**
 * Owns what a connector remembers of its source over a restart: the last look whose changes are accounted for. It is a record beside the
 * offset, in the same compacted topic. By it a start finds what was changed while no process looked. Does not judge.
 *
 * Key: `["<connector name>",{"server":"<topic.prefix>","slotline":"source"}]`.
 */
import type { Lsn } from '../../core/lsn.ts';
import type { TableFilter } from '../../events/filter.ts';
import { type OffsetOwner, partitionOf } from '../../offsets/offset.ts';
import type { CompactedTopic } from '../../offsets/store.ts';
import type { SourceFacts, SourcePublication, SourceTable } from '../../postgres/catalog/source-facts.ts';

/** Where the record's OIDs are valid: they mean nothing on another server or in another database. */
type SourcePlace = { readonly systemIdentifier: string; readonly database: string };

type SourceMemoryOwner = OffsetOwner & SourcePlace;

/** A Kafka record holds about a megabyte. With more tables than this, only the publication is remembered. */
const TABLES_MAX = 3_000;
const FORMAT = 1;

/** The record as stored. */
export type SourceRecord = {
  readonly format: number;
  readonly system: string;
  readonly database: string;
  readonly lsn: number;
  readonly publication?: SourcePublication;
  readonly tables?: readonly SourceTable[];
};

/** The connector's last record; `check` reads it too. undefined: there is none, or it is not readable. */
export async function readSource(
  topic: Pick<CompactedTopic, 'readAll'>,
  owner: OffsetOwner,
  signal: AbortSignal,
): Promise<SourceRecord | undefined> {
  const key = keyOf(owner);
  let last: { readonly value: Uint8Array | undefined; readonly timestampMs: number } | undefined;
  await topic.readAll((record) => {
    if (record.key === undefined || Buffer.from(record.key).toString('utf8') !== key) return;
    if (last === undefined || record.timestampMs >= last.timestampMs) last = record;
  }, signal);
  const value = last?.value;
  return value === undefined ? undefined : parse(Buffer.from(value).toString('utf8'));
}

/** The source as the record has it. What was not remembered is taken from `now`. undefined: nothing can be compared. */
export function rememberedSource(record: SourceRecord | undefined, now: SourceFacts, place: SourcePlace): SourceFacts | undefined {
  if (record?.format !== FORMAT || record.system !== place.systemIdentifier || record.database !== place.database) return undefined;
  const { lsn, publication, tables } = record;
  const lsns = { fromLsn: lsn as Lsn, toLsn: lsn as Lsn };
  if (tables !== undefined) return { ...now, ...lsns, publication, tables: new Map(tables.map((table) => [table.oid, table])) };
  const members = now.publication?.members ?? [];
  return { ...now, ...lsns, publication: publication === undefined ? undefined : { ...publication, members } };
}

function keyOf(owner: OffsetOwner): string {
  return JSON.stringify([owner.connector, { ...partitionOf(owner), slotline: 'source' }]);
}

export class SourceMemory {
  readonly #topic: CompactedTopic;
  readonly #owner: SourceMemoryOwner;
  readonly #key: string;

  constructor(topic: CompactedTopic, owner: SourceMemoryOwner) {
    this.#topic = topic;
    this.#owner = owner;
    this.#key = keyOf(owner);
  }

  async load(now: SourceFacts, signal: AbortSignal): Promise<SourceFacts | undefined> {
    return rememberedSource(await readSource(this.#topic, this.#owner, signal), now, this.#owner);
  }

  async save(facts: SourceFacts, filter: TableFilter, signal: AbortSignal): Promise<void> {
    const { systemIdentifier: system, database } = this.#owner;
    const tables = captured(facts, filter);
    const isFew = tables.length <= TABLES_MAX && (facts.publication?.members.length ?? 0) <= TABLES_MAX;
    const publication = facts.publication === undefined || isFew ? facts.publication : { ...facts.publication, members: [] };
    const stored: SourceRecord = {
      format: FORMAT,
      system,
      database,
      lsn: facts.fromLsn,
      ...(publication === undefined ? {} : { publication }),
      ...(isFew ? { tables } : {}),
    };
    await this.#topic.write(Buffer.from(this.#key), Buffer.from(JSON.stringify(stored)), signal);
  }
}

/** The captured tables, and the tables that they are partitions of. */
function captured({ tables }: SourceFacts, filter: TableFilter): SourceTable[] {
  const wanted = new Set<number>();
  for (const table of tables.values()) {
    let isWanted = false;
    const chain: number[] = [];
    for (let one: SourceTable | undefined = table; one !== undefined; one = one.parent === undefined ? undefined : tables.get(one.parent)) {
      chain.push(one.oid);
      isWanted ||= filter.includesTable(one.schema, one.table);
    }
    if (isWanted) for (const oid of chain) wanted.add(oid);
  }
  return [...tables.values()].filter(({ oid }) => wanted.has(oid));
}

function parse(text: string): SourceRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && 'format' in parsed ? (parsed as SourceRecord) : undefined;
  } catch {
    return undefined;
  }
}
