/**
 * Owns recording one case with Debezium's events in Avro: Apicurio's converter against a registry. What runs
 * and when is record.ts's.
 */
import { type AvroCase, type AvroRecord, avroSettings } from '../avro-cases.ts';
import { AvroRegistry, bytesOf } from '../avro-registry.ts';
import type { CaseGroup, GoldenCase, GoldenRecord, RecordedText } from '../replay-cases.ts';
import type { ConnectWorker } from './connect.ts';
import { recordCases } from './record.ts';

const CONVERTER = 'io.apicurio.registry.utils.converter.AvroConverter';
/** Of the registry's two APIs: through the first it is read, and Apicurio's converter speaks the second. */
const CONFLUENT_API = '/apis/ccompat/v7';
const OWN_API = '/apis/registry/v2';

/** `registryUrl` is that of the Confluent API. */
export async function recordAvro(input: CaseGroup, worker: ConnectWorker, registryUrl: string): Promise<AvroCase> {
  const [plain] = input.cases;
  if (plain === undefined) throw new Error(`${input.name} has no case`);
  const { columns: _, ...golden } = plain;
  return await recordAvroCase({ ...golden, settings: avroSettings(plain) }, worker, registryUrl);
}

/** With the settings as they are, and the converters'. */
export async function recordAvroCase(golden: GoldenCase, worker: ConnectWorker, registryUrl: string): Promise<AvroCase> {
  const registry = new AvroRegistry(registryUrl);
  const settings = { ...golden.settings, ...converters(registryUrl) };
  const group = { name: golden.name, cases: [{ ...golden, settings }] };
  const [recorded] = await recordCases(group, worker, (records) => registry.textRecords(records));
  return await asCase(golden, recorded?.published ?? [], registry);
}

function converters(registryUrl: string): Record<string, string> {
  const own = `${registryUrl.slice(0, -CONFLUENT_API.length)}${OWN_API}`;
  const settings = (half: string): (readonly [string, string])[] => [
    [half, CONVERTER],
    [`${half}.apicurio.registry.url`, own],
    [`${half}.apicurio.registry.auto-register`, 'true'],
    [`${half}.apicurio.registry.as-confluent`, 'true'],
    [`${half}.apicurio.registry.headers.enabled`, 'false'],
    [`${half}.apicurio.registry.use-id`, 'contentId'],
  ];
  return Object.fromEntries([...settings('key.converter'), ...settings('value.converter')]);
}

/** Ids are the registry's and differ from run to run: in the file schemas are numbered from 1 as they come, in the bytes too. */
async function asCase(golden: GoldenCase, published: readonly GoldenRecord[], registry: AvroRegistry): Promise<AvroCase> {
  const numbers = new Map<number, number>();
  const schemas: string[] = [];
  const half = async (text: RecordedText): Promise<string | null> => {
    const bytes = bytesOf(text);
    if (bytes === null) return null;
    const schema = await registry.schemaOf(bytes);
    const number = numbers.get(schema.id) ?? schemas.push(schema.text);
    numbers.set(schema.id, number);
    bytes.writeUInt32BE(number, 1);
    return bytes.toString('base64');
  };
  const records: AvroRecord[] = [];
  for (const { topic, partition, key, value, headers } of published) {
    records.push({ topic, partition, key: await half(key), value: await half(value), headers });
  }
  const topics = new Set(records.flatMap(({ topic }) => [`${topic}-key`, `${topic}-value`]));
  const subjects: Record<string, (number | null)[]> = {};
  for (const subject of [...topics].sort()) {
    const ids = await registry.versionIds(subject);
    if (ids.length > 0) subjects[subject] = ids.map((id) => numbers.get(id) ?? null);
  }
  const { name, server, settings, setup, snapshot = true, steps, topics: routed } = golden;
  const known = { ...(server !== undefined && { server }), ...(routed !== undefined && { topics: routed }) };
  return { name, ...known, settings, setup, snapshot, steps, subjects, schemas, records };
}
