/**
 * Owns reading published Avro records with the schemas that a registry has for their ids, through its Confluent API, and which subjects
 * those are registered under. Asks for each schema once. Does not start a registry (test/harness/registry.ts).
 */
import { type AvroReader, avroReader } from './avro-text.ts';
import type { GoldenRecord, RecordedText } from './replay-cases.ts';

type RegistrySchema = {
  readonly id: number;
  readonly text: string;
  readonly read: AvroReader;
};

export const HEAD_BYTES = 5;

export function bytesOf(half: RecordedText): Buffer | null {
  if (half === null) return null;
  return typeof half === 'string' ? Buffer.from(half) : Buffer.from(half.base64, 'base64');
}

export class AvroRegistry {
  readonly #url: string;
  readonly #schemas = new Map<number, RegistrySchema>();
  readonly #subjects = new Map<number, Set<string>>();

  constructor(url: string) {
    this.#url = url;
  }

  /** Of a record in Confluent's wire format. */
  async schemaOf(bytes: Buffer): Promise<RegistrySchema> {
    if (bytes[0] !== 0 || bytes.length < HEAD_BYTES) throw new Error('not a record in the Confluent wire format');
    const id = bytes.readUInt32BE(1);
    const known = this.#schemas.get(id) ?? (await this.#ask(id));
    this.#schemas.set(id, known);
    return known;
  }

  /** As the JSON converter would have written it. */
  async textOf(half: RecordedText): Promise<string | null> {
    const bytes = bytesOf(half);
    return bytes === null ? null : (await this.schemaOf(bytes)).read(bytes.subarray(HEAD_BYTES));
  }

  async textRecords(records: readonly GoldenRecord[]): Promise<GoldenRecord[]> {
    const texts: GoldenRecord[] = [];
    for (const record of records) texts.push({ ...record, key: await this.textOf(record.key), value: await this.textOf(record.value) });
    return texts;
  }

  /** One schema may be registered under many subjects, and under more as time goes on. */
  async isRegistered(id: number, subject: string): Promise<boolean> {
    const known = this.#subjects.get(id) ?? new Set();
    this.#subjects.set(id, known);
    if (known.has(subject)) return true;
    for (const version of await this.#json<{ subject: string }[]>(`/schemas/ids/${id}/versions`)) known.add(version.subject);
    return known.has(subject);
  }

  /** The ids of a subject's versions, from the first on; none where nothing is registered. A list of all subjects would be cut at 1000. */
  async versionIds(subject: string): Promise<number[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const response = await fetch(this.#url + path);
    if (response.status === 404) return [];
    if (!response.ok) throw new Error(`the registry answers ${response.status} to ${path}`);
    const versions = (await response.json()) as number[];
    const ids: number[] = [];
    for (const version of versions) ids.push((await this.#json<{ id: number }>(`${path}/${version}`)).id);
    return ids;
  }

  async #ask(id: number): Promise<RegistrySchema> {
    const { schema } = await this.#json<{ schema: string }>(`/schemas/ids/${id}`);
    return { id, text: schema, read: avroReader(schema) };
  }

  async #json<T>(path: string): Promise<T> {
    const response = await fetch(this.#url + path);
    if (!response.ok) throw new Error(`the registry answers ${response.status} to ${path}`);
    return (await response.json()) as T;
  }
}
