/**
 * Owns a schema's subject, and how the schema gets its id there: by registering it, by looking it up, or by taking the latest version. Asked
 * before the first record of a relation version. The calls themselves are in registry/schema-registry.ts.
 * Source: io.confluent.kafka.serializers.AbstractKafkaAvroSerializer, io.confluent.kafka.serializers.subject.
 */
import { SlotlineError } from '../core/errors.ts';
import type { RegisteredConverterOptions, RegistryOptions, SubjectNameStrategy } from '../core/options.ts';
import type { NamedSchema } from '../serde/registered-format.ts';
import { isSameShape, schemaDifferences } from './differences.ts';
import { type RegistryDeps, SchemaRegistry, type SubjectSchema } from './schema-registry.ts';

export type Half = 'key' | 'value';

export type SchemaIdsDeps = {
  readonly registry: Pick<SchemaRegistry, 'register' | 'lookup' | 'latest'>;
  readonly options: Pick<RegisteredConverterOptions, 'autoRegister' | 'useLatestVersion' | 'subjectNames'>;
  readonly half: Half;
  readonly signal: AbortSignal;
};

export class SchemaIds {
  readonly #deps: SchemaIdsDeps;

  constructor(deps: SchemaIdsDeps) {
    this.#deps = deps;
  }

  /** Throws registry_* errors. If the registry does not answer, it waits as long as the registry's options say. */
  async idOf(topic: string, schema: NamedSchema): Promise<number> {
    const { registry, options, signal, half } = this.#deps;
    const subject = subjectName(options.subjectNames, { topic, half, record: schema.name });
    const wanted = { subject, schema: schema.text, type: schema.type };
    if (options.autoRegister) return await registry.register(wanted, signal);
    if (options.useLatestVersion) return await this.#latestId(wanted);
    const id = await registry.lookup(wanted, signal);
    if (id === undefined) throw new SlotlineError('registry_schema_missing', { subject });
    return id;
  }

  /** The latest version must have the shape of Slotline's own schema, because that is the shape in which records are written. */
  async #latestId(wanted: SubjectSchema): Promise<number> {
    const latest = await this.#deps.registry.latest(wanted.subject, this.#deps.signal);
    if (latest === undefined) throw new SlotlineError('registry_schema_missing', { subject: wanted.subject, version: 'latest' });
    const compared = { registered: latest.schema, wanted: wanted.schema, type: wanted.type };
    if (isSameShape(compared)) return latest.id;
    throw new SlotlineError('registry_incompatible', {
      subject: wanted.subject,
      version: latest.version,
      fields: schemaDifferences(compared),
    });
  }
}

/** The calls of the registry that are needed here. */
type RegistryCalls = SchemaIdsDeps['registry'];

export type RegistryUse = {
  readonly registry: RegistryDeps;
  readonly signal: AbortSignal;
  /** Gives the registry client to use. Whoever passes this closes the client. Absent: one is made here. */
  readonly openRegistry?: (options: RegistryOptions) => RegistryCalls;
};

/** Makes the ids of one half. A registry client that is made here ends with the attempt. */
export function createSchemaIds(deps: RegistryUse, options: RegisteredConverterOptions, half: Half): SchemaIds {
  const registry = deps.openRegistry?.(options.registry) ?? ownRegistry(deps, options);
  return new SchemaIds({ registry, options, half, signal: deps.signal });
}

function ownRegistry(deps: RegistryUse, options: RegisteredConverterOptions): SchemaRegistry {
  const registry = new SchemaRegistry(options.registry, deps.registry);
  deps.signal.addEventListener('abort', () => void registry[Symbol.asyncDispose](), { once: true });
  return registry;
}

export function subjectName(
  strategy: SubjectNameStrategy,
  { topic, half, record }: { readonly topic: string; readonly half: Half; readonly record: string },
): string {
  switch (strategy) {
    case 'topic':
      return `${topic}-${half}`;
    case 'record':
      return record;
    case 'topic_record':
      return `${topic}-${record}`;
  }
}
