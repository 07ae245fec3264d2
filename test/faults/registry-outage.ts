/**
 * Owns what the tests of a registry in trouble share: a config with Avro keys and values, what PostgreSQL says of the walsender meanwhile,
 * and records read back with the registry's own schemas by a decoder that shares no code with the program.
 */
import type { Type } from 'avsc';
import type pg from 'pg';
import type { ConsumedRecord } from '../harness/consume.ts';
import type { RegistryServer } from '../harness/registry.ts';
import type { ConnectorConfig, Slotline } from '../harness/slotline.ts';
import { until } from '../harness/until.ts';
import type { ToJson } from '../harness/verify.ts';
import { avscType } from '../oracles/avsc.ts';
import { WAIT } from './delivery-scene.ts';

const AVRO = 'io.confluent.connect.avro.AvroConverter';

export function avroConfig(registry: Pick<RegistryServer, 'url'>): ConnectorConfig {
  const side = (name: string): ConnectorConfig => ({ [name]: AVRO, [`${name}.schema.registry.url`]: registry.url });
  return { ...side('key.converter'), ...side('value.converter') };
}

type AvroReader = {
  readonly toJson: ToJson;
  /** Of the records that were read, how many rows have the column. */
  rowsWith(column: string): number;
};

/** `added` columns are counted and taken away: the truth of the load table knows nothing of them. */
export function avroReader(registry: RegistryServer, added: string): AvroReader {
  const types = new Map<number, Promise<Type>>();
  const counts = new Map<string, number>();
  const loadType = async (id: number): Promise<Type> => {
    const answer = await fetch(`${registry.url}/schemas/ids/${id}`);
    if (!answer.ok) throw new Error(`The registry does not know the id ${id} of a record: ${answer.status}`);
    const { schema }: { schema: string } = JSON.parse(await answer.text());
    return avscType(schema);
  };
  const typeOf = (id: number): Promise<Type> => {
    const type = types.get(id) ?? loadType(id);
    types.set(id, type);
    return type;
  };
  const decode = async (bytes: Buffer | null): Promise<unknown> => {
    if (bytes === null) return null;
    if (bytes[0] !== 0) throw new Error('A record does not begin with the magic byte');
    const type = await typeOf(bytes.readInt32BE(1));
    return type.fromBuffer(bytes.subarray(5));
  };
  const withoutAdded = (name: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value);
    if (name !== 'before' && name !== 'after') return value;
    if (typeof value !== 'object' || value === null || !(added in value)) return value;
    if (name === 'after') counts.set(added, (counts.get(added) ?? 0) + 1);
    const { [added]: _, ...row } = value as Record<string, unknown>;
    return row;
  };
  const json = (decoded: unknown): Buffer | null => (decoded === null ? null : Buffer.from(JSON.stringify(decoded, withoutAdded)));
  return {
    toJson: async (record: ConsumedRecord) => ({ ...record, key: json(await decode(record.key)), value: json(await decode(record.value)) }),
    rowsWith: (column) => counts.get(column) ?? 0,
  };
}

type Walsender = { readonly pid: number; readonly confirmed: string; readonly silentMs: number };

/** The walsender of the slot; between two attempts there is none for a moment. */
export async function walsender(client: pg.Client, slot: string): Promise<Walsender> {
  return await until(`slot ${slot} has a walsender`, () => findWalsender(client, slot), WAIT);
}

async function findWalsender(client: pg.Client, slot: string): Promise<Walsender | undefined> {
  const { rows } = await client.query<Walsender>(
    `select r.pid, s.confirmed_flush_lsn::text as confirmed,
            (extract(epoch from clock_timestamp() - r.reply_time) * 1000)::int as "silentMs"
       from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where s.slot_name = $1 and r.reply_time is not null`,
    [slot],
  );
  return rows[0];
}

/** Records go on arriving although the registry is away: their schemas are known. */
export async function untilConfirmedMore(client: pg.Client, slot: string): Promise<void> {
  const { confirmed } = await walsender(client, slot);
  await until('more is confirmed', async () => (await walsender(client, slot)).confirmed !== confirmed, WAIT);
}

export function retryCodes(slotline: Slotline): string[] {
  return slotline.lines.filter(({ event }) => event === 'connector.retrying').map((line) => String(line['code']));
}

export function attempts(slotline: Slotline): number {
  return slotline.lines.filter(({ event }) => event === 'task.start').length;
}

/** Each status that `/health` tells until `isOver`. */
export async function healthUntil(slotline: Slotline, isOver: () => boolean): Promise<ReadonlySet<string>> {
  const { port } = await slotline.waitFor('http.listening', WAIT);
  const statuses = new Set<string>();
  const look = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${String(port)}/health`);
    const { status }: { status: string } = JSON.parse(await answer.text());
    statuses.add(status);
    return isOver();
  };
  await until('the time is over', look, WAIT);
  return statuses;
}
